{{- define "lethe.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "lethe.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "lethe.labels" -}}
app.kubernetes.io/name: lethe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "lethe.selector" -}}
app.kubernetes.io/name: lethe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: data-plane
{{- end -}}

{{- define "lethe.engineSelector" -}}
app.kubernetes.io/name: lethe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: engine
{{- end -}}

{{/* Whether the engine reads compiled policies from a volume that it shares with the data plane. */}}
{{- define "lethe.sharesPolicy" -}}
{{- if ne .Values.engine.kind "embedded" }}yes{{ end -}}
{{- end -}}

{{- define "lethe.policyClaim" -}}
{{- .Values.policy.existingClaim | default (printf "%s-policy" (include "lethe.name" .)) -}}
{{- end -}}

{{- define "lethe.engineUrl" -}}
{{- if eq .Values.engine.kind "deployment" -}}
http://{{ include "lethe.name" . }}-engine:{{ .Values.engine.port }}
{{- else if eq .Values.engine.kind "remote" -}}
{{ required "engine.url: where is the remote engine?" .Values.engine.url }}
{{- end -}}
{{- end -}}

{{- define "lethe.secretName" -}}
{{ required "secret.name: which Secret holds admin-key and database?" .Values.secret.name }}
{{- end -}}

{{/* The same user in both: compiled policies are readable by their owner only. */}}
{{- define "lethe.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lethe.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "lethe.refuse" -}}
{{- $many := or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled -}}
{{- if and $many (include "lethe.sharesPolicy" .) -}}
{{- fail "replicas: several data planes cannot share one folder of compiled policies; with engine.kind deployment or remote there is one" -}}
{{- end -}}
{{- if and (eq .Values.engine.kind "deployment") (not .Values.model) -}}
{{- fail "model: which model shall the engine serve?" -}}
{{- end -}}
{{- range $name, $_ := .Values.settings -}}
{{- if has $name (list "admin_key" "api_keys" "database" "engine_key" "guardrail_key" "agents_key" "webhooks") -}}
{{- fail (printf "settings.%s is a secret: put it into the Secret that secret.name names" $name) -}}
{{- end -}}
{{- if has $name (list "host" "port" "admin_host" "admin_port" "data_dir" "engine" "model" "eval_port") -}}
{{- fail (printf "settings.%s is the chart's own" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
