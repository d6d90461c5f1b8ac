{{/*
What no schema can say: values that contradict each other, or Kubernetes. Each ends the installation before anything is
made, with what is wrong and what to change. All are collected, so that nobody mends one to meet the next.
*/}}
{{- define "polarpod.preflight" -}}
{{- $problems := concat
  (include "polarpod.problems.required" . | fromYamlArray)
  (include "polarpod.problems.names" . | fromYamlArray)
  (include "polarpod.problems.accounts" . | fromYamlArray)
  (include "polarpod.problems.network" . | fromYamlArray)
  (include "polarpod.problems.amounts" . | fromYamlArray)
  (include "polarpod.problems.options" . | fromYamlArray)
-}}
{{- if $problems -}}
{{- fail (printf "\n\npolarpod cannot be installed with these values:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}

{{/* What has no default. */}}
{{- define "polarpod.problems.required" -}}
{{- $found := list -}}
{{- if not .Values.plane.state -}}
{{- $found = append $found "plane.state is empty: set it to the s3:// prefix for contexts, receipts and verdicts, such as s3://my-bucket/polarpod/state" -}}
{{- end -}}
{{- if not .Values.image.repository -}}
{{- $found = append $found "image.repository is empty: build the job image with your jobs (images/job), push it, and name it here" -}}
{{- end -}}
{{- if not (or .Values.image.tag .Values.image.digest) -}}
{{- $found = append $found "the image has neither image.digest nor image.tag: set image.digest (sha256:...), or a tag that is never moved" -}}
{{- end -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- $found = append $found "image.tag is latest, which may be other code on a run's retry: set image.digest, or a tag that is never moved" -}}
{{- end -}}
{{- $launcher := .Values.launcher.image -}}
{{- if and $launcher.repository (not (or $launcher.tag $launcher.digest)) -}}
{{- $found = append $found "launcher.image has neither a digest nor a tag: set launcher.image.digest (sha256:...), or a tag that is never moved" -}}
{{- else if and (not $launcher.repository) (or .Values.gc.enabled .Values.tests.enabled) -}}
{{- $found = append $found "launcher.image.repository is empty, and sweep and tests need an image with the polarpod command: name one such as images/airflow makes (or the job image again, where yours has it), or set gc.enabled and tests.enabled to false" -}}
{{- else if and (not $launcher.repository) (or $launcher.registry $launcher.tag $launcher.digest) -}}
{{- $found = append $found "launcher.image has a registry, a tag or a digest and no repository: set launcher.image.repository, or leave all of it out" -}}
{{- end -}}
{{- range $place := list "storage" "workerStorage" -}}
{{- $storage := get $.Values.plane $place -}}
{{- if and (hasPrefix "http://" (default "" $storage.endpointUrl)) (not $storage.allowHttp) -}}
{{- $found = append $found (printf "plane.%s.endpointUrl is %s, without TLS: set plane.%s.allowHttp to true where that is meant, or use https://" $place $storage.endpointUrl $place) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Names that Kubernetes would refuse, or that would be two things at once. */}}
{{- define "polarpod.problems.names" -}}
{{- $found := list -}}
{{- $name := include "polarpod.fullname" . -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- $found = append $found (printf "%q is not a name for objects: use a-z, 0-9 and - in the release's name, or set fullnameOverride" $name) -}}
{{- end -}}
{{- if and .Values.admissionPolicy.enabled (gt (len (include "polarpod.clusterName" .)) 253) -}}
{{- $found = append $found "the admission policy's name, of namespace and full name, is longer than 253 characters: set a shorter fullnameOverride" -}}
{{- end -}}
{{- $taken := dict (include "polarpod.launcherAccount" .) "the launcher" (include "polarpod.workerAccount" .) "serviceAccounts.default" -}}
{{- if eq (include "polarpod.launcherAccount" .) (include "polarpod.workerAccount" .) -}}
{{- $found = append $found (printf "the launcher and serviceAccounts.default are one account, %q, so that every worker's identity is the launcher's: give one of them another name" (include "polarpod.workerAccount" .)) -}}
{{- end -}}
{{- range $job, $given := .Values.serviceAccounts.jobs -}}
{{- $account := include "polarpod.jobAccount" (list $ $job) -}}
{{- if and (hasSuffix "_" $job) (not $given.name) -}}
{{- $found = append $found (printf "serviceAccounts.jobs.%s would make the account %q, which is no name in Kubernetes: give it a name" $job $account) -}}
{{- else if hasKey $taken $account -}}
{{- $found = append $found (printf "serviceAccounts.jobs.%s would make the account %q, which is %s's: give one of them another name, or leave the job on the default account" $job $account (get $taken $account)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Who may launch, and as whom. */}}
{{- define "polarpod.problems.accounts" -}}
{{- $found := list -}}
{{- $launcher := include "polarpod.launcherAccount" . -}}
{{- range $index, $subject := .Values.launcher.subjects -}}
{{- if and (eq $subject.kind "ServiceAccount") (not $subject.namespace) -}}
{{- $found = append $found (printf "launcher.subjects[%d] is the ServiceAccount %q without a namespace: add the one it is in" $index $subject.name) -}}
{{- else if and (ne $subject.kind "ServiceAccount") $subject.namespace -}}
{{- $found = append $found (printf "launcher.subjects[%d] is the %s %q with a namespace, which only a ServiceAccount has: remove it" $index $subject.kind $subject.name) -}}
{{- end -}}
{{- end -}}
{{- if not (or $launcher .Values.launcher.subjects) -}}
{{- $found = append $found "nobody may launch: set launcher.serviceAccount.create, its name, or launcher.subjects" -}}
{{- end -}}
{{- if and (not $launcher) .Values.gc.enabled -}}
{{- $found = append $found "gc.enabled needs an account to run as: set launcher.serviceAccount.create or its name, or gc.enabled to false" -}}
{{- end -}}
{{- if and (not $launcher) .Values.tests.enabled -}}
{{- $found = append $found "tests.enabled needs an account to run as: set launcher.serviceAccount.create or its name, or tests.enabled to false" -}}
{{- end -}}
{{- if and (not .Values.serviceAccounts.default.create) (not .Values.serviceAccounts.default.name) -}}
{{- $found = append $found "serviceAccounts.default is neither made nor named: set create to true, or name to an account that is there" -}}
{{- end -}}
{{- if and .Values.serviceAccounts.default.annotations (not .Values.serviceAccounts.default.create) -}}
{{- $found = append $found "serviceAccounts.default.annotations have no effect on an account that the chart does not make: annotate it where it is made, or set create to true" -}}
{{- end -}}
{{- if and .Values.launcher.serviceAccount.annotations (not .Values.launcher.serviceAccount.create) -}}
{{- $found = append $found "launcher.serviceAccount.annotations have no effect on an account that the chart does not make: annotate it where it is made, or set create to true" -}}
{{- end -}}
{{- range $job, $given := .Values.serviceAccounts.jobs -}}
{{- if not (dig "create" true $given) -}}
{{- if not $given.name -}}
{{- $found = append $found (printf "serviceAccounts.jobs.%s is neither made nor named: set create to true, or name to an account that is there" $job) -}}
{{- end -}}
{{- if $given.annotations -}}
{{- $found = append $found (printf "serviceAccounts.jobs.%s.annotations have no effect on an account that the chart does not make: annotate it where it is made, or set create to true" $job) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" -}}
{{- if and $.Values.plane.credentials.secretName (hasKey $.Values.plane.environmentFromSecrets $name) -}}
{{- $found = append $found (printf "%s is set twice, by plane.credentials and by plane.environmentFromSecrets: remove one of them" $name) -}}
{{- end -}}
{{- if hasKey $.Values.plane.environment $name -}}
{{- $found = append $found (printf "plane.environment holds %s, where everybody who may read ConfigMaps or pods sees it: put it into a Secret and name that in plane.credentials" $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Fences with a hole, or with no gate. */}}
{{- define "polarpod.problems.network" -}}
{{- $found := list -}}
{{- $network := .Values.networkPolicy -}}
{{- if $network.enabled -}}
{{- if not $network.objectStore.to -}}
{{- $found = append $found "networkPolicy.objectStore.to is empty, so that no worker reaches its data: name the store's addresses or pods, or set networkPolicy.enabled to false" -}}
{{- end -}}
{{- if not $network.apiServer.to -}}
{{- $found = append $found "networkPolicy.apiServer.to is empty, so that sweep and tests reach no API server: name its addresses, or set networkPolicy.enabled to false" -}}
{{- end -}}
{{- $peers := dict "networkPolicy.dns.to" $network.dns.to "networkPolicy.objectStore.to" $network.objectStore.to "networkPolicy.apiServer.to" $network.apiServer.to -}}
{{- range $place := list "extraEgress" "launcherEgress" -}}
{{- range $index, $rule := get $network $place -}}
{{- $_ := set $peers (printf "networkPolicy.%s[%d].to" $place $index) $rule.to -}}
{{- end -}}
{{- end -}}
{{- range $place, $given := $peers -}}
{{- range $given -}}
{{- if not . -}}
{{- $found = append $found (printf "%s has an entry that names nobody: give it an ipBlock, a namespaceSelector or a podSelector" $place) -}}
{{- else if and .ipBlock (or .namespaceSelector .podSelector) -}}
{{- $found = append $found (printf "%s has an entry with both an ipBlock and a selector, which Kubernetes refuses: make it two entries" $place) -}}
{{- end -}}
{{- with .ipBlock -}}
{{- $exactly := or (eq .cidr "169.254.169.254/32") (and (hasPrefix "fd00:ec2::254" .cidr) (hasSuffix "/128" .cidr)) -}}
{{- if or $exactly (include "polarpod.maybeMetadata" .cidr) -}}
{{- $found = append $found (printf "%s allows %s, which may hold the address where instances hand out the node's own credentials: remove it or name a narrower one, and give workers an identity of their own (IRSA, EKS Pod Identity)" $place .cidr) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $network.podIdentityAgent (hasKey .Values.plane.labels "eks.amazonaws.com/fargate-profile") -}}
{{- $found = append $found "networkPolicy.podIdentityAgent is for nodes, and plane.labels sends workers to Fargate, which has no agent: set it to false, and use IRSA (annotations in serviceAccounts)" -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* Amounts that no pod could ever get. */}}
{{- define "polarpod.problems.amounts" -}}
{{- $found := list -}}
{{- $max := ternary .Values.limitRange.max dict .Values.limitRange.enabled -}}
{{- $hard := ternary .Values.quota.hard dict .Values.quota.enabled -}}
{{- range $resource, $most := $max -}}
{{- range $prefix := list "" "requests." "limits." -}}
{{- $all := get $hard (print $prefix $resource) -}}
{{- if and $all (gt (include "polarpod.quantity" $most | float64) (include "polarpod.quantity" $all | float64)) -}}
{{- $found = append $found (printf "limitRange.max.%s (%s) is more than quota.hard.%s%s (%s) has for all pods together: raise the quota or lower the limit" $resource (toString $most) $prefix $resource (toString $all)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.plane.maxMemory -}}
{{- $grown := include "polarpod.quantity" . | float64 -}}
{{- $places := dict -}}
{{- if hasKey $max "memory" }}{{ $_ := set $places "limitRange.max.memory" (get $max "memory") }}{{ end -}}
{{- range $key := list "memory" "requests.memory" "limits.memory" -}}
{{- if hasKey $hard $key }}{{ $_ := set $places (print "quota.hard." $key) (get $hard $key) }}{{ end -}}
{{- end -}}
{{- range $place, $amount := $places -}}
{{- if gt $grown (include "polarpod.quantity" $amount | float64) -}}
{{- $found = append $found (printf "plane.maxMemory (%s) is more than %s (%s): a run would grow into a pod that nothing accepts; lower plane.maxMemory or raise the other" $.Values.plane.maxMemory $place (toString $amount)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $place, $amounts := dict "quota.hard" (pick $hard "limits.cpu") "limitRange.default" (pick (ternary .Values.limitRange.default dict .Values.limitRange.enabled) "cpu") -}}
{{- range $resource, $_ := $amounts -}}
{{- $found = append $found (printf "%s has %s, and workers have no CPU limit: every one would be refused, or get a limit that it did not ask for and be throttled; bound CPU by quota.hard.requests.cpu" $place $resource) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.tests.enabled (le (int .Values.tests.activeDeadlineSeconds) (int .Values.plane.startTimeoutSeconds)) -}}
{{- $found = append $found (printf "tests.activeDeadlineSeconds (%d) leaves the doctor no time for its pod, which may take plane.startTimeoutSeconds (%d) to start: raise the first" (int .Values.tests.activeDeadlineSeconds) (int .Values.plane.startTimeoutSeconds)) -}}
{{- end -}}
{{- if and .Values.quota.enabled (not .Values.quota.hard) -}}
{{- $found = append $found "quota.enabled without anything in quota.hard: name an amount, or set quota.enabled to false" -}}
{{- end -}}
{{- if and .Values.limitRange.enabled (not .Values.limitRange.default) (not .Values.limitRange.defaultRequest) (not .Values.limitRange.max) -}}
{{- $found = append $found "limitRange.enabled without default, defaultRequest or max: name an amount, or set limitRange.enabled to false" -}}
{{- end -}}
{{- range $resource, $request := ternary .Values.limitRange.defaultRequest dict .Values.limitRange.enabled -}}
{{- $limit := get $.Values.limitRange.default $resource -}}
{{- if and $limit (gt (include "polarpod.quantity" $request | float64) (include "polarpod.quantity" $limit | float64)) -}}
{{- $found = append $found (printf "limitRange.defaultRequest.%s (%s) is more than limitRange.default.%s (%s): a request cannot be above its limit" $resource (toString $request) $resource (toString $limit)) -}}
{{- end -}}
{{- end -}}
{{- range $resource, $amount := ternary .Values.limitRange.default dict .Values.limitRange.enabled -}}
{{- $most := get $max $resource -}}
{{- if and $most (gt (include "polarpod.quantity" $amount | float64) (include "polarpod.quantity" $most | float64)) -}}
{{- $found = append $found (printf "limitRange.default.%s (%s) is more than limitRange.max.%s (%s): lower the default or raise the maximum" $resource (toString $amount) $resource (toString $most)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* What is switched on without what it needs. */}}
{{- define "polarpod.problems.options" -}}
{{- $found := list -}}
{{- with .Values.queue -}}
{{- if and .create (not .name) -}}
{{- $found = append $found "queue.create without queue.name: name the LocalQueue that workers go to" -}}
{{- end -}}
{{- if and .create (not .clusterQueue) -}}
{{- $found = append $found "queue.create without queue.clusterQueue: name the ClusterQueue behind it (kubectl get clusterqueues), or set queue.create to false" -}}
{{- end -}}
{{- if and .clusterQueue (not .create) -}}
{{- $found = append $found "queue.clusterQueue has no effect on a queue that the chart does not make: remove it, or set queue.create to true" -}}
{{- end -}}
{{- end -}}
{{- with .Values.priorityClass -}}
{{- if and .create (not .name) -}}
{{- $found = append $found "priorityClass.create without priorityClass.name: name it" -}}
{{- else if and .create (hasPrefix "system-" .name) -}}
{{- $found = append $found (printf "priorityClass.name is %q, and Kubernetes keeps system- for itself: choose another name" .name) -}}
{{- end -}}
{{- end -}}
{{- if .Values.externalSecret.create -}}
{{- if not .Values.plane.credentials.secretName -}}
{{- $found = append $found "externalSecret.create without plane.credentials.secretName: name the Secret it makes" -}}
{{- end -}}
{{- if not .Values.externalSecret.storeRef.name -}}
{{- $found = append $found "externalSecret.create without externalSecret.storeRef.name: name the SecretStore to ask" -}}
{{- end -}}
{{- if not .Values.externalSecret.remoteRef.key -}}
{{- $found = append $found "externalSecret.create without externalSecret.remoteRef.key: name the entry in the vault" -}}
{{- end -}}
{{- end -}}
{{- $policy := .Values.admissionPolicy -}}
{{- if and $policy.enabled (or .Values.image.tag .Values.image.digest) .Values.image.repository -}}
{{- $image := include "polarpod.image" . -}}
{{- if and (not $policy.images.requireDigest) (not $policy.images.registries) -}}
{{- $found = append $found "admissionPolicy allows every image: set admissionPolicy.images.requireDigest, name admissionPolicy.images.registries, or both" -}}
{{- end -}}
{{- if and $policy.images.requireDigest (not .Values.image.digest) -}}
{{- $found = append $found (printf "admissionPolicy.images.requireDigest refuses the plane's own image %q: set image.digest, or requireDigest to false" $image) -}}
{{- end -}}
{{- if $policy.images.registries -}}
{{- $allowed := false -}}
{{- range $policy.images.registries }}{{ if hasPrefix . $image }}{{ $allowed = true }}{{ end }}{{ end -}}
{{- if not $allowed -}}
{{- $found = append $found (printf "admissionPolicy.images.registries refuses the plane's own image %q: add its registry" $image) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
