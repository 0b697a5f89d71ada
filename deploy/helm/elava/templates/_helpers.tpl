{{- define "elava.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "elava.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "elava.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "elava.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "elava.selector" -}}
app.kubernetes.io/name: {{ include "elava.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "elava.labels" -}}
{{ include "elava.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "elava.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "elava.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "elava.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $config = mergeOverwrite $config (dict "storage" (dict "path" "/data")) -}}
{{- if .Values.api.tokenSecret -}}
{{- $config = mergeOverwrite $config (dict "api" (dict "token_file" "/etc/elava-token/token")) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
