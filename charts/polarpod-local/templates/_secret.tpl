{{/*
A value of a Secret that is made once: the one that is there already, or else a new one. An upgrade must not change it: a
new Fernet key would make every stored connection unreadable. (list $ "secret" "key" length)
*/}}
{{- define "local.kept" -}}
{{- $found := lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1) | default dict -}}
{{- $data := $found.data | default dict -}}
{{- if hasKey $data (index . 2) -}}
{{- index $data (index . 2) | b64dec -}}
{{- else -}}
{{- randAlphaNum (int (index . 3)) -}}
{{- end -}}
{{- end }}

{{- define "local.keptFernet" -}}
{{- $found := lookup "v1" "Secret" .Release.Namespace "airflow-keys" | default dict -}}
{{- with get ($found.data | default dict) "fernet-key" -}}
{{- b64dec . -}}
{{- else -}}
{{- randAlphaNum 32 | b64enc -}}
{{- end -}}
{{- end }}
