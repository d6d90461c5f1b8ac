{{/* Labels of every object; common ones replace none of them. {{ include "local.labels" (list $ "scheduler") }} */}}
{{- define "local.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_"))
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" "polarpod"
-}}
{{- toYaml (merge (include "local.selector" . | fromYaml) $own $root.Values.commonLabels) -}}
{{- end }}

{{/* What selectors match: it may never change, so no version and no chart. */}}
{{- define "local.selector" -}}
app.kubernetes.io/name: polarpod-local
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image: {registry: r, repository: a, tag: t, digest: sha256:...} => r/a:t@sha256:... ; the digest decides. */}}
{{- define "local.image" -}}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .repository }}
{{- with .tag }}:{{ . }}{{ end }}
{{- with .digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Names of Secrets as Kubernetes wants them. The argument is the image. */}}
{{- define "local.pullSecrets" -}}
{{- with .pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A peer of a NetworkPolicy: pods of this release's components. (list $ (list "s3" "postgres")) */}}
{{- define "local.components" -}}
podSelector:
  matchExpressions:
    - key: app.kubernetes.io/instance
      operator: In
      values: [{{ (index . 0).Release.Name | quote }}]
    - key: app.kubernetes.io/component
      operator: In
      values: {{ toJson (index . 1) }}
{{- end }}

{{/* The components that run Airflow. */}}
{{- define "local.airflow" -}}
{{- list "api-server" "scheduler" "dag-processor" "triggerer" "migration" | toJson -}}
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
