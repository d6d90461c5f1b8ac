{{/* Values that work and that somebody should have meant. NOTES.txt prints them. */}}
{{- define "polarpod.warnings" -}}
{{- $found := list -}}
{{- if not .Values.image.digest -}}
{{- $found = append $found "image.tag without image.digest: who can push that tag decides what runs here. Set image.digest, or launch releases, which name their image by digest." -}}
{{- end -}}
{{- if not .Values.networkPolicy.enabled -}}
{{- $found = append $found "networkPolicy.enabled is false: workers reach everything, the instance metadata and the node's credentials there included, unless something else closes it (on Fargate: security groups)." -}}
{{- else if eq (include "polarpod.everywhere" .) "true" -}}
{{- $found = append $found "networkPolicy.objectStore.to is everywhere: a worker can send its data to any address on these ports. Name the addresses of a VPC endpoint or of the store." -}}
{{- end -}}
{{- if and .Values.plane.storage.allowHttp -}}
{{- $found = append $found "plane.storage.allowHttp: data and signatures go unencrypted. For a store inside the cluster only." -}}
{{- end -}}
{{- if .Values.plane.credentials.secretName -}}
{{- range $place, $annotations := dict "launcher.serviceAccount" .Values.launcher.serviceAccount.annotations "serviceAccounts.default" .Values.serviceAccounts.default.annotations -}}
{{- if hasKey (default dict $annotations) "eks.amazonaws.com/role-arn" -}}
{{- $found = append $found (printf "plane.credentials comes before the role that %s.annotations names, so that the role is never used. Leave plane.credentials.secretName empty." $place) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not .Values.admissionPolicy.enabled -}}
{{- $found = append $found "admissionPolicy.enabled is false: who may launch may create any pod that Pod Security lets through, as every account and with every Secret of this namespace. Keep nothing else in it, or enable the policy." -}}
{{- else if not (has "Deny" .Values.admissionPolicy.validationActions) -}}
{{- $found = append $found "admissionPolicy.validationActions has no Deny: the policy tells and stops nothing." -}}
{{- end -}}
{{- if eq .Release.Namespace "default" -}}
{{- $found = append $found "this is the namespace default, where whatever is created without a thought ends up. Install into one of its own." -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* "true" where workers may send to every address. */}}
{{- define "polarpod.everywhere" -}}
{{- $found := false -}}
{{- range .Values.networkPolicy.objectStore.to -}}
{{- if and .ipBlock (hasSuffix "/0" .ipBlock.cidr) }}{{ $found = true }}{{ end -}}
{{- end -}}
{{- $found -}}
{{- end -}}
