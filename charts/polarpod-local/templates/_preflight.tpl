{{/*
What a schema cannot say: each place with what to change. Nothing is created where one of these fails. All are collected, so
that nobody mends one to meet the next.
*/}}
{{- define "local.preflight" -}}
{{- $problems := concat
  (include "local.problems.plane" . | fromYamlArray)
  (include "local.problems.values" . | fromYamlArray)
  (include "local.problems.volumes" . | fromYamlArray)
-}}
{{- if $problems -}}
{{- fail (printf "\n\npolarpod-local cannot be installed with these values:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}

{{/* The worker plane, whose objects this chart's name by their names. */}}
{{- define "local.problems.plane" -}}
{{- $found := list -}}
{{- $plane := .Values.polarpod -}}
{{- if ne $plane.fullnameOverride "polarpod" -}}
{{- $found = append $found (printf "polarpod.fullnameOverride is %q: this stack's objects name the worker plane's by `polarpod`. Leave it out; for a second stack, use a namespace of its own." $plane.fullnameOverride) -}}
{{- end -}}
{{- with $plane.launcher.serviceAccount -}}
{{- if or (not .create) (not (has .name (list "" "polarpod-launcher"))) -}}
{{- $found = append $found "polarpod.launcher.serviceAccount is not the account polarpod-launcher, as which Airflow's scheduler and triggerer run. Leave it out." -}}
{{- end -}}
{{- end -}}
{{- if ne $plane.plane.credentials.secretName "polarpod-s3" -}}
{{- $found = append $found (printf "polarpod.plane.credentials.secretName is %q: this stack makes the Secret polarpod-s3 for its own store. Leave it out; for a store of your own, install charts/polarpod instead." $plane.plane.credentials.secretName) -}}
{{- end -}}
{{- if ne $plane.plane.storage.endpointUrl "http://polarpod-s3:7070" -}}
{{- $found = append $found (printf "polarpod.plane.storage.endpointUrl is %q: this stack's own store is http://polarpod-s3:7070. Leave it out; for a store of your own, install charts/polarpod instead." $plane.plane.storage.endpointUrl) -}}
{{- end -}}
{{- range $name, $place := dict "polarpod.plane.state" $plane.plane.state "polarpod.plane.variables.lake" $plane.plane.variables.lake -}}
{{- $bucket := regexReplaceAll "^s3://([^/]*).*$" (toString $place) "${1}" -}}
{{- if not (hasPrefix "s3://" (toString $place)) -}}
{{- $found = append $found (printf "%s is %q, which is in no bucket. Leave it out, or name a place such as s3://polarpod/..." $name (default "" $place)) -}}
{{- else if not (has $bucket $.Values.s3.buckets) -}}
{{- $found = append $found (printf "%s is in the bucket %q, and s3.buckets are %s. Add the bucket there, or correct polarpod.plane." $place $bucket (join ", " $.Values.s3.buckets)) -}}
{{- end -}}
{{- end -}}
{{- if $plane.limitRange.enabled -}}
{{- with $plane.limitRange.max.memory -}}
{{- $most := include "polarpod.quantity" . | float64 -}}
{{- range $name, $resources := include "local.resources" $ | fromYaml -}}
{{- with $resources.limits.memory -}}
{{- if gt (include "polarpod.quantity" . | float64) $most -}}
{{- $found = append $found (printf "polarpod.limitRange.max.memory (%v) is less than %s.limits.memory (%v), and holds for every pod of the namespace. Raise it, or lower the other." $plane.limitRange.max.memory $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Values of this chart that contradict each other. */}}
{{- define "local.problems.values" -}}
{{- $found := list -}}
{{- if not (has "airflow-logs" .Values.s3.buckets) -}}
{{- $found = append $found "s3.buckets lacks airflow-logs, where task logs go. Add it." -}}
{{- end -}}
{{- range $name, $service := dict "airflow.service" .Values.airflow.service "s3.service" .Values.s3.service -}}
{{- if and $service.nodePort (ne $service.type "NodePort") -}}
{{- $found = append $found (printf "%s.nodePort is %v, but %s.type is %s. Set the type to NodePort, or leave the port out." $name $service.nodePort $name $service.type) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.s3.service.nodePort (eq (toString .Values.airflow.service.nodePort) (toString .Values.s3.service.nodePort)) -}}
{{- $found = append $found (printf "airflow.service.nodePort and s3.service.nodePort are both %v. Give one of them another port." .Values.s3.service.nodePort) -}}
{{- end -}}
{{- range $name, $image := dict "airflow.image" .Values.airflow.image "postgres.image" .Values.postgres.image "s3.image" .Values.s3.image -}}
{{- if not (or $image.tag $image.digest) -}}
{{- $found = append $found (printf "%s has neither digest nor tag. Set one of them." $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.airflow.config -}}
{{- with get (include "local.settingsFromSecrets" $ | fromYaml) $name -}}
{{- $found = append $found (printf "airflow.config sets %s, which comes from the Secret %s and is no business of a ConfigMap. Leave it out." $name .) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Variable of Airflow -> the Secret that it is read from. */}}
{{- define "local.settingsFromSecrets" -}}
{{- range include "airflow.secrets" . | fromYamlArray }}
{{ .name }}: {{ .valueFrom.secretKeyRef.name }}
{{- end }}
{{- end -}}

{{/* Value -> the requests and limits that it holds. */}}
{{- define "local.resources" -}}
{{- $found := dict "postgres.resources" .Values.postgres.resources "s3.resources" .Values.s3.resources -}}
{{- range list "apiServer" "scheduler" "dagProcessor" "triggerer" "migration" -}}
{{- $_ := set $found (printf "airflow.%s.resources" .) (get $.Values.airflow .).resources -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Volumes, as this cluster can make them. */}}
{{- define "local.problems.volumes" -}}
{{- $found := list -}}
{{- /* only a real installation can look; `helm template` sees an empty cluster */ -}}
{{- $classes := (lookup "storage.k8s.io/v1" "StorageClass" "" "").items | default list -}}
{{- $cluster := lookup "v1" "Namespace" "" "kube-system" -}}
{{- range $name, $persistence := dict "postgres.persistence" .Values.postgres.persistence "s3.persistence" .Values.s3.persistence -}}
{{- if and $cluster $persistence.enabled -}}
{{- $names := list -}}{{- $default := "" -}}{{- $provisioners := dict -}}
{{- range $classes -}}
{{- $names = append $names .metadata.name -}}
{{- $_ := set $provisioners .metadata.name .provisioner -}}
{{- if eq (get (.metadata.annotations | default dict) "storageclass.kubernetes.io/is-default-class") "true" -}}{{- $default = .metadata.name -}}{{- end -}}
{{- end -}}
{{- if and $persistence.storageClass (not (has $persistence.storageClass $names)) -}}
{{- $found = append $found (printf "%s.storageClass is %q; this cluster has: %s. Name one of these, or set %s.enabled=false to keep the data only as long as the pod." $name $persistence.storageClass (join ", " $names | default "none") $name) -}}
{{- end -}}
{{- if and (not $persistence.storageClass) (not $default) -}}
{{- $found = append $found (printf "this cluster has no default storage class (it has: %s). Name one with %s.storageClass, or set %s.enabled=false to keep the data only as long as the pod." (join ", " $names | default "none") $name $name) -}}
{{- end -}}
{{- $class := $persistence.storageClass | default $default -}}
{{- if eq (get $provisioners $class) "kubernetes.io/host-path" -}}
{{- $found = append $found (printf "volumes of storage class %s belong to root, and nothing in this stack runs as root. Name another with %s.storageClass, or set %s.enabled=false to keep the data only as long as the pod." $class $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
