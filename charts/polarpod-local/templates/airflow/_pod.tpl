{{/*
The pod of an Airflow component.
dict: root, component, account (a ServiceAccount that may launch pods, or nothing), command, resources, and as YAML text where
there are some: ports, probes, lifecycle, env, volumeMounts, volumes. `waits` is false for who makes the database.
*/}}
{{- define "airflow.pod" -}}
{{- $values := .root.Values.airflow -}}
metadata:
  labels:
    {{- include "local.labels" (list .root .component) | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .component }}
    # variables are read at the start only: a pod must be made anew when they change
    checksum/config: {{ include (print .root.Template.BasePath "/airflow/config.yaml") .root | sha256sum }}
spec:
  {{- if .account }}
  serviceAccountName: {{ .account }}
  automountServiceAccountToken: true
  {{- else }}
  automountServiceAccountToken: false
  {{- end }}
  {{- if .never }}
  restartPolicy: Never
  {{- end }}
  # Services as variables would be AIRFLOW_... and POSTGRES_..., which somebody may read
  enableServiceLinks: false
  securityContext:
    {{- include "local.podSecurity" 50000 | nindent 4 }}
  {{- with include "local.pullSecrets" $values.image }}
  {{- trim . | nindent 2 }}
  {{- end }}
  {{- if .grace }}
  terminationGracePeriodSeconds: {{ .grace }}
  {{- end }}
  {{- if or .waits $values.dags.sync }}
  initContainers:
    {{- if .waits }}
    - name: wait-for-migration
      {{- include "airflow.container" (merge (dict "database" true) .) | nindent 6 }}
      command: [airflow-database, await, {{ include "local.image" $values.image | quote }}]
      resources:
        requests: {cpu: 10m, memory: 64Mi, ephemeral-storage: 16Mi}
        limits: {memory: 128Mi, ephemeral-storage: 64Mi}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
    {{- end }}
    {{- if $values.dags.sync }}
    - name: dags
      {{- include "airflow.container" . | nindent 6 }}
      command: [sh, -c, "cp -r /opt/airflow/dags/. /dags"]
      resources:
        requests: {cpu: 10m, memory: 64Mi, ephemeral-storage: 16Mi}
        limits: {memory: 128Mi, ephemeral-storage: 64Mi}
      volumeMounts:
        - {name: dags, mountPath: /dags}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .component }}
      {{- include "airflow.container" . | nindent 6 }}
      command: {{ toJson .command }}
      envFrom:
        - configMapRef:
            name: airflow-config
      env:
        {{- include "airflow.secrets" . | nindent 8 }}
        {{- with .env }}
        {{- . | nindent 8 }}
        {{- end }}
      {{- with .ports }}
      ports:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with .probes }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with .lifecycle }}
      lifecycle:
        {{- . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: logs, mountPath: /opt/airflow/logs}
        # the plane that DAGs name: the worker plane's own, and no copy of it
        - {name: plane, mountPath: /etc/polarpod, readOnly: true}
        {{- if $values.dags.sync }}
        - {name: dags, mountPath: /opt/airflow/dags}
        {{- end }}
        {{- with .volumeMounts }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 512Mi}
    - name: logs
      emptyDir: {sizeLimit: 512Mi}
    - name: plane
      configMap:
        name: polarpod-plane
    {{- if $values.dags.sync }}
    - name: dags
      emptyDir: {sizeLimit: 64Mi}
    {{- end }}
    {{- with .volumes }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What every container of the image has. */}}
{{- define "airflow.container" -}}
image: {{ include "local.image" .root.Values.airflow.image }}
imagePullPolicy: {{ .root.Values.airflow.image.pullPolicy }}
securityContext:
  {{- include "local.containerSecurity" . | nindent 2 }}
{{- if .database }}
env:
  {{- include "airflow.database" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Variables that hold secrets. */}}
{{- define "airflow.secrets" -}}
{{ include "airflow.database" . }}
{{- range $name, $key := dict "AIRFLOW__CORE__FERNET_KEY" "fernet-key" "AIRFLOW__API__SECRET_KEY" "api-secret-key" "AIRFLOW__API_AUTH__JWT_SECRET" "jwt-secret" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: airflow-keys, key: {{ $key }}}
{{- end }}
# for the state store and the task logs; job pods get theirs by reference from the plane
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: polarpod-s3, key: access-key-id}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: polarpod-s3, key: secret-access-key}
{{- end }}

{{- define "airflow.database" -}}
- name: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN
  valueFrom:
    secretKeyRef: {name: airflow-keys, key: connection}
{{- end }}
