{{/*
A Kubernetes quantity as a number, to compare with others: 500m -> 0.5, 4Gi -> 4294967296. The schema has seen to its form.
*/}}
{{- define "polarpod.quantity" -}}
{{- $text := toString . -}}
{{- $factors := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15
  "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (trimSuffix $unit $text | float64) (ternary (get $factors $unit) 1 (hasKey $factors $unit)) -}}
{{- end -}}
