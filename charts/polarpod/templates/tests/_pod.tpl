{{/*
What the pods of `helm test` have in common. Deleted when they succeed and before they run again; a failed one stays, with
its log, and Helm prints what each has said. Expects a list of the root context, the test's name, its labels and annotations.

The name of a test is not the end of its pod's: AWS' network agent takes pods whose names differ in the last part alone for
replicas, with one policy for all (aws/aws-network-policy-agent, issue 676).
*/}}
{{- define "polarpod.testMetadata" -}}
{{- $root := index . 0 -}}
name: {{ include "polarpod.fullname" $root }}-{{ index . 1 }}-test
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- index . 2 | nindent 2 }}
annotations:
  {{- with index . 3 }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  helm.sh/hook: test
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
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
