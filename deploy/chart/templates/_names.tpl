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

{{/* Whether workers fetch compiled policies from the data planes. */}}
{{- define "lethe.servesPolicy" -}}
{{- if ne .Values.engine.kind "embedded" }}yes{{ end -}}
{{- end -}}

{{/* The policy plane of every replica: each is followed by itself, so they are listed one by one. */}}
{{- define "lethe.policyUrls" -}}
{{- $name := include "lethe.name" . -}}
{{- $urls := list -}}
{{- range $number := until (int .Values.replicas) -}}
{{- $urls = append $urls (printf "http://%s-%d.%s-replicas:%d" $name $number $name (int $.Values.policy.port)) -}}
{{- end -}}
{{- join "," $urls -}}
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
{{- if and .Values.autoscaling.enabled (include "lethe.servesPolicy" .) -}}
{{- fail "autoscaling: engines that are shared name every data plane; with engine.kind deployment or remote set replicas" -}}
{{- end -}}
{{- if and (eq .Values.engine.kind "deployment") (not .Values.model) -}}
{{- fail "model: which model shall the engine serve?" -}}
{{- end -}}
{{- range $name, $_ := .Values.settings -}}
{{- if has $name (list "admin_key" "api_keys" "database" "engine_key" "guardrail_key" "agents_key" "webhooks" "policy_token") -}}
{{- fail (printf "settings.%s is a secret: put it into the Secret that secret.name names" $name) -}}
{{- end -}}
{{- if has $name (list "host" "port" "admin_host" "admin_port" "data_dir" "engine" "model" "eval_port" "policy_host" "policy_port") -}}
{{- fail (printf "settings.%s is the chart's own" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
