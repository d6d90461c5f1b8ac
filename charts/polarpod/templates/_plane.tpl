{{/* endpointUrl -> endpoint_url: values are written as charts do, planes.yaml as Python does. */}}
{{- define "polarpod.snake" -}}
{{- regexReplaceAll "([A-Z])" . "_${1}" | lower -}}
{{- end -}}

{{/*
A map of values as keys of planes.yaml: its own keys in snake_case, those inside untouched, nothing where nothing is said,
so that polarpod's own defaults hold. Zero and false are said.
*/}}
{{- define "polarpod.keys" -}}
{{- $made := dict -}}
{{- range $key, $value := . -}}
{{- if not (has (toJson $value) (list "\"\"" "{}" "[]" "null")) -}}
{{- $_ := set $made (include "polarpod.snake" $key) $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $made -}}
{{- end -}}

{{/*
The plane, in the format that src/polarpod/launch/planes_file.py reads; a test reads it back. Everything under `plane` is a key
of it but three: its name, credentials (two variables from a Secret), and the two places to reach the store.
*/}}
{{- define "polarpod.plane" -}}
{{- $values := .Values.plane -}}
{{- $plane := omit $values "name" "credentials" "storage" "workerStorage" | include "polarpod.keys" | fromYaml -}}
{{- range $key := list "storage" "workerStorage" -}}
{{- with get $values $key | include "polarpod.keys" | fromYaml -}}
{{- $_ := set $plane (include "polarpod.snake" $key) . -}}
{{- end -}}
{{- end -}}
{{- with $values.credentials -}}
{{- if .secretName -}}
{{- $keys := dict "AWS_ACCESS_KEY_ID" .accessKeyIdKey "AWS_SECRET_ACCESS_KEY" .secretAccessKeyKey -}}
{{- $secrets := default dict $plane.environment_from_secrets -}}
{{- range $name, $key := $keys -}}
{{- $secrets = merge $secrets (dict $name (dict "secret" $values.credentials.secretName "key" $key)) -}}
{{- end -}}
{{- $_ := set $plane "environment_from_secrets" $secrets -}}
{{- end -}}
{{- end -}}
{{- $_ := set $plane "kind" "kubernetes" -}}
{{- $_ := set $plane "namespace" .Release.Namespace -}}
{{- $_ := set $plane "image" (include "polarpod.image" .) -}}
{{- $_ := set $plane "image_pull_policy" .Values.image.pullPolicy -}}
{{- with .Values.image.pullSecrets }}{{ $_ := set $plane "image_pull_secrets" . }}{{ end -}}
{{- $_ := set $plane "service_account" (include "polarpod.workerAccount" .) -}}
{{- $accounts := dict -}}
{{- range $job, $_ := .Values.serviceAccounts.jobs -}}
{{- $_ := set $accounts $job (include "polarpod.jobAccount" (list $ $job)) -}}
{{- end -}}
{{- with $accounts }}{{ $_ := set $plane "service_accounts" . }}{{ end -}}
{{- with .Values.queue.name }}{{ $_ := set $plane "queue" . }}{{ end -}}
{{- with .Values.priorityClass.name }}{{ $_ := set $plane "priority_class" . }}{{ end -}}
{{- $_ := set $plane "template" "./pod.yaml" -}}
{{- toYaml (dict "planes" (dict .Values.plane.name $plane)) -}}
{{- end -}}

{{/* What the cluster asks of every pod. */}}
{{- define "polarpod.podTemplate" -}}
{{- toYaml (default (dict "spec" dict) .Values.podTemplate) -}}
{{- end -}}
