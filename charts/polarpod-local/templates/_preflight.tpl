{{/* What a schema cannot say: each place with what to change. Nothing is created where one of these fails. */}}
{{- define "local.preflight" -}}
{{- $plane := .Values.polarpod -}}
{{- if ne $plane.fullnameOverride "polarpod" -}}
{{- fail (printf "polarpod.fullnameOverride is %q: this stack's objects name the worker plane's by `polarpod`. Leave it out; for a second stack, use a namespace of its own." $plane.fullnameOverride) -}}
{{- end -}}
{{- if ne $plane.plane.credentials.secretName "polarpod-s3" -}}
{{- fail (printf "polarpod.plane.credentials.secretName is %q: this stack makes the Secret polarpod-s3 for its own store. Leave it out; for a store of your own, install charts/polarpod instead." $plane.plane.credentials.secretName) -}}
{{- end -}}
{{- range $place := list $plane.plane.state $plane.plane.variables.lake -}}
{{- $bucket := regexReplaceAll "^s3://([^/]*).*$" $place "${1}" -}}
{{- if not (has $bucket $.Values.s3.buckets) -}}
{{- fail (printf "%s is in the bucket %q, and s3.buckets are %s. Add the bucket there, or correct polarpod.plane." $place $bucket (join ", " $.Values.s3.buckets)) -}}
{{- end -}}
{{- end -}}
{{- if not (has "airflow-logs" .Values.s3.buckets) -}}
{{- fail "s3.buckets lacks airflow-logs, where task logs go. Add it." -}}
{{- end -}}
{{- range $name, $service := dict "airflow.service" .Values.airflow.service "s3.service" .Values.s3.service -}}
{{- if and $service.nodePort (ne $service.type "NodePort") -}}
{{- fail (printf "%s.nodePort is %v, but %s.type is %s. Set the type to NodePort, or leave the port out." $name $service.nodePort $name $service.type) -}}
{{- end -}}
{{- end -}}
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
{{- fail (printf "%s.storageClass is %q; this cluster has: %s. Name one of these, or set %s.enabled=false to keep the data only as long as the pod." $name $persistence.storageClass (join ", " $names | default "none") $name) -}}
{{- end -}}
{{- if and (not $persistence.storageClass) (not $default) -}}
{{- fail (printf "this cluster has no default storage class (it has: %s). Name one with %s.storageClass, or set %s.enabled=false to keep the data only as long as the pod." (join ", " $names | default "none") $name $name) -}}
{{- end -}}
{{- $class := $persistence.storageClass | default $default -}}
{{- if eq (get $provisioners $class) "kubernetes.io/host-path" -}}
{{- fail (printf "volumes of storage class %s belong to root, and nothing in this stack runs as root. Name another with %s.storageClass, or set %s.enabled=false to keep the data only as long as the pod." $class $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
