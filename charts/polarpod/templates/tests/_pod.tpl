{{/*
What the pods of `helm test` have in common. Deleted when they succeed and before they run again; a failed one stays, with
its log. Expects a list of the root context, the test's name and its labels.
*/}}
{{- define "polarpod.testMetadata" -}}
{{- $root := index . 0 -}}
name: {{ include "polarpod.fullname" $root }}-test-{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- index . 2 | nindent 2 }}
annotations:
  helm.sh/hook: test
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- define "polarpod.testSpec" -}}
restartPolicy: Never
enableServiceLinks: false
activeDeadlineSeconds: {{ .Values.tests.activeDeadlineSeconds | int }}
terminationGracePeriodSeconds: 5
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- include "polarpod.imagePullSecrets" . }}
{{- end -}}

{{/* Where a test may run. Expects a map with nodeSelector and tolerations. */}}
{{- define "polarpod.testPlace" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "polarpod.testContainer" -}}
name: test
workingDir: /tmp
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.tests.resources | nindent 2 }}
{{- end -}}
