{{/* Airflow's own `jobs check` loads all of Airflow, for seconds of a core each time: this one asks the database. */}}
{{- define "airflow.jobProbes" -}}
startupProbe:
  exec:
    command: [airflow-database, alive, {{ . }}]
  periodSeconds: 3
  timeoutSeconds: 20
  failureThreshold: 100
livenessProbe:
  exec:
    command: [airflow-database, alive, {{ . }}]
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 5
{{- end }}

{{- define "airflow.apiServerProbes" -}}
startupProbe:
  httpGet: {path: /api/v2/version, port: http}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /api/v2/version, port: http}
  periodSeconds: 5
  timeoutSeconds: 10
livenessProbe:
  httpGet: {path: /api/v2/monitor/health, port: http}
  periodSeconds: 20
  timeoutSeconds: 20
  failureThreshold: 6
{{- end }}

{{- define "airflow.schedulerProbes" -}}
startupProbe:
  httpGet: {path: /health, port: health}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  exec:
    command: [airflow-database, alive, SchedulerJob]
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 5
{{- end }}
