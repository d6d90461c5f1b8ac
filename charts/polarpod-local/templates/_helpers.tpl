{{/* Labels of every object. {{ include "local.labels" (list $ "scheduler") }} */}}
{{- define "local.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: polarpod
{{ include "local.selector" . }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What selectors match: it may never change, so no version and no chart. */}}
{{- define "local.selector" -}}
app.kubernetes.io/name: polarpod-local
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image: {registry: r, repository: a, tag: t, digest: sha256:...} => r/a:t@sha256:... ; the digest decides. */}}
{{- define "local.image" -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository }}
{{- with .tag }}:{{ . }}{{ end }}
{{- with .digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What Pod Security `restricted` asks of a pod. The argument is the user. */}}
{{- define "local.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* And of a container. */}}
{{- define "local.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Data that lives in a volume, or as long as its pod. (list $ "name" persistence) */}}
{{- define "local.dataVolume" -}}
- name: data
  {{- if (index . 2).enabled }}
  persistentVolumeClaim:
    claimName: {{ index . 1 }}
  {{- else }}
  emptyDir: {sizeLimit: {{ (index . 2).size }}}
  {{- end }}
{{- end }}
