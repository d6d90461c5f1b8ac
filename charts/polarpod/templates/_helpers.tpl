{{/*
What begins every object's name: the override, the release's name where it says the chart's already, or both. At most 43
of Kubernetes' 63 characters: "-test-forbidden" and the eleven that a CronJob adds to "-gc" have room behind it.
*/}}
{{- define "polarpod.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 43 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 43 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
The name of an object of the whole cluster, which a release in another namespace must not meet: neither part holds a dot.
*/}}
{{- define "polarpod.clusterName" -}}
{{- printf "%s.%s" .Release.Namespace (include "polarpod.fullname" .) -}}
{{- end -}}

{{/*
Labels of an object. Expects a list of the root context, the component and, where there are some, further labels. What
selectors and tools go by cannot be set otherwise; what a selector may hold is polarpod.selectorLabels alone, for the
others change with a release.
*/}}
{{- define "polarpod.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/part-of" "polarpod"
  "app.kubernetes.io/managed-by" $root.Release.Service
-}}
{{- $selected := include "polarpod.selectorLabels" (list $root (index . 1)) | fromYaml -}}
{{- $further := gt (len .) 2 | ternary (last .) dict -}}
{{- toYaml (merge (dict) $selected $own $further $root.Values.commonLabels) -}}
{{- end -}}

{{/* What tells the chart's own pods apart, from each other and from those of other releases. Expects the same list. */}}
{{- define "polarpod.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* What every worker wears, whoever launched it: src/polarpod/launch/planes/kubernetes/render/manifest.py sets these two. */}}
{{- define "polarpod.workerLabels" -}}
app.kubernetes.io/name: polarpod-worker
app.kubernetes.io/managed-by: polarpod
{{- end -}}

{{/*
The job image.
registry r, repository jobs, tag 1, no digest  ->  r/jobs:1
repository jobs, tag 1, digest sha256:9f…      ->  jobs@sha256:9f…
*/}}
{{- define "polarpod.image" -}}
{{- include "polarpod.imageOf" .Values.image -}}
{{- end -}}

{{/* What the sweep and the launcher's tests run, with its pull policy. */}}
{{- define "polarpod.launcherImage" -}}
{{- $image := .Values.launcher.image | merge (dict "registry" (default .Values.image.registry .Values.launcher.image.registry)) -}}
image: {{ include "polarpod.imageOf" $image | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end -}}

{{- define "polarpod.imageOf" -}}
{{- $image := . -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag }}{{ end -}}
{{- end -}}

{{/* The launcher's account in this namespace; empty where it has none. */}}
{{- define "polarpod.launcherAccount" -}}
{{- $account := .Values.launcher.serviceAccount -}}
{{- if or $account.create $account.name -}}
{{- default (printf "%s-launcher" (include "polarpod.fullname" .)) $account.name -}}
{{- end -}}
{{- end -}}

{{/* The account of jobs that have none of their own. */}}
{{- define "polarpod.workerAccount" -}}
{{- default (printf "%s-worker" (include "polarpod.fullname" .)) .Values.serviceAccounts.default.name -}}
{{- end -}}

{{/*
A job's own account, by its name where it has one. Expects a list of the root context and the job's name.
airport_delays  ->  polarpod-airport-delays
*/}}
{{- define "polarpod.jobAccount" -}}
{{- $root := index . 0 -}}
{{- $job := index . 1 -}}
{{- $given := get $root.Values.serviceAccounts.jobs $job | default dict -}}
{{- default (printf "%s-%s" (include "polarpod.fullname" $root) (replace "_" "-" $job)) $given.name -}}
{{- end -}}

{{/* Names of Secrets as Kubernetes wants them. */}}
{{- define "polarpod.imagePullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The S3 credentials of the launcher's pods, by reference. */}}
{{- define "polarpod.credentials" -}}
{{- with .Values.plane.credentials }}
{{- if .secretName }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .accessKeyIdKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .secretAccessKeyKey }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The variables of the launcher's pods. */}}
{{- define "polarpod.launcherEnvironment" -}}
- name: HOME
  value: /tmp
{{- range $name, $value := .Values.launcher.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- include "polarpod.credentials" . }}
{{- end -}}

{{/* What the launcher's pods have in common with each other: a writable /tmp, the plane's ConfigMap, what the cluster adds. */}}
{{- define "polarpod.launcherVolumes" -}}
- name: plane
  configMap:
    name: {{ include "polarpod.fullname" . }}-plane
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.launcher.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "polarpod.launcherVolumeMounts" -}}
- name: plane
  mountPath: /etc/polarpod
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- with .Values.launcher.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
