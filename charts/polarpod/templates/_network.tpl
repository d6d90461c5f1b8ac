{{/* An IPv4 address as a number: "169.254.169.254" -> 2852039166. */}}
{{- define "polarpod.ipv4" -}}
{{- $number := 0 -}}
{{- range splitList "." . -}}
{{- $number = add (mul $number 256) (atoi .) -}}
{{- end -}}
{{- $number -}}
{{- end -}}

{{/*
"true" for a range of IPv6 that may hold the instance metadata and is not written as one of those that are known to.
fd00::/10  ->  true      2001:db8::/32  ->       fd12:3456::/48  ->
*/}}
{{- define "polarpod.maybeMetadata" -}}
{{- $bits := splitList "/" . | last | atoi -}}
{{- if and (contains ":" .) (not (include "polarpod.metadataWithin" .)) -}}
{{- $unknown := and (lt $bits 16) (not (regexMatch "^[23]" .)) -}}
{{- $near := and (lt $bits 32) (hasPrefix "fd00:" .) -}}
{{- $inside := and (hasPrefix "fd00:ec2:" .) (lt $bits 128) -}}
{{- if or $unknown $near $inside }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Where in a range the instance metadata is that must be cut out of it, empty where it is not inside.
0.0.0.0/0  ->  169.254.169.254/32
::/0       ->  fd00:ec2::254/128
For IPv6 the ranges that hold it are known by how they are written; no other ones are given out for networks.
*/}}
{{- define "polarpod.metadataWithin" -}}
{{- $parts := splitList "/" . -}}
{{- if contains ":" . -}}
{{- if has . (list "::/0" "fc00::/7" "fd00::/8" "fd00:ec2::/32" "fd00:ec2::/64") -}}fd00:ec2::254/128{{- end -}}
{{- else -}}
{{- $size := 1 -}}
{{- range until (sub 32 (last $parts | atoi) | int) }}{{ $size = mul $size 2 }}{{ end -}}
{{- $start := include "polarpod.ipv4" (first $parts) | int64 -}}
{{- if eq (div $start $size) (div (include "polarpod.ipv4" "169.254.169.254" | int64) $size) -}}169.254.169.254/32{{- end -}}
{{- end -}}
{{- end -}}

{{/* Peers of a NetworkPolicy, with the instance metadata cut out of every range. */}}
{{- define "polarpod.peers" -}}
{{- range $peer := . -}}
{{- $peer = deepCopy $peer -}}
{{- with $peer.ipBlock -}}
{{- $metadata := include "polarpod.metadataWithin" .cidr -}}
{{- if $metadata -}}
{{- $_ := set . "except" (append (default list .except) $metadata | uniq) -}}
{{- end -}}
{{- end }}
- {{ toYaml $peer | nindent 2 | trim }}
{{- end -}}
{{- end -}}

{{/*
The rules of workers and of the launcher's pods: names, the store, the cloud's identities, and what else is listed for them.
Expects a list of the root context and further rules.
*/}}
{{- define "polarpod.egress" -}}
{{- $further := index . 1 -}}
{{- with index . 0 -}}
{{- with .Values.networkPolicy.dns.to }}
# names
- to:
    {{- include "polarpod.peers" . | trim | nindent 4 }}
  ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end }}
{{- with .Values.networkPolicy.objectStore }}
# the object store
- to:
    {{- include "polarpod.peers" .to | trim | nindent 4 }}
  ports:
    {{- range .ports }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
{{- end }}
{{- if .Values.networkPolicy.podIdentityAgent }}
# the agent of EKS Pod Identity
- to:
    - ipBlock:
        cidr: 169.254.170.23/32
    - ipBlock:
        cidr: fd00:ec2::23/128
  ports:
    - protocol: TCP
      port: 80
{{- end }}
{{- range $further }}
- to:
    {{- include "polarpod.peers" .to | trim | nindent 4 }}
  {{- with .ports }}
  ports:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/*
"true" where the policy of workers, by its own words, may include the API server: a range as wide as a network, on a port
that it has. That a worker reaches it then says nothing about whether policies are enforced.
*/}}
{{- define "polarpod.mayReachServer" -}}
{{- $found := false -}}
{{- $rules := append .Values.networkPolicy.extraEgress .Values.networkPolicy.objectStore -}}
{{- range $rule := $rules -}}
{{- $port := not $rule.ports -}}
{{- range $number := $rule.ports -}}
{{- if kindIs "map" $number }}{{ $number = $number.port }}{{ end -}}
{{- if has (toString $number) (list "443" "6443") }}{{ $port = true }}{{ end -}}
{{- end -}}
{{- range $rule.to -}}
{{- with .ipBlock -}}
{{- $bits := splitList "/" .cidr | last | atoi -}}
{{- if and $port (le $bits (contains ":" .cidr | ternary 64 16)) }}{{ $found = true }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end -}}
