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

{{- define "elava.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "elava.port" -}}
{{- dig "daemon" "metrics_port" 2112 .Values.config | int -}}
{{- end -}}

{{- /* The configuration file. What the chart decides, because the pod must agree with it, replaces what
       the values say. The daemon ends 15 seconds before it would be killed, or earlier if the values say so. */ -}}
{{- define "elava.config" -}}
{{- $told := dig "daemon" "graceful_shutdown_timeout" "" .Values.config | toString -}}
{{- if regexMatch "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$" $told -}}
{{- $hours := regexFind "[0-9]+h" $told | trimSuffix "h" | int -}}
{{- $minutes := regexFind "[0-9]+m" $told | trimSuffix "m" | int -}}
{{- $seconds := regexFind "[0-9]+s" $told | trimSuffix "s" | int -}}
{{- if ge (add (mul 3600 $hours) (mul 60 $minutes) $seconds) (int64 .Values.terminationGracePeriodSeconds) -}}
{{- fail (printf "config.daemon.graceful_shutdown_timeout is %s and terminationGracePeriodSeconds %d: the pod would be killed before the daemon has ended by itself; raise terminationGracePeriodSeconds" $told (int .Values.terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- end -}}
{{- $shutdown := printf "%ds" (sub (int .Values.terminationGracePeriodSeconds) 15) -}}
{{- $defaults := dict "daemon" (dict "graceful_shutdown_timeout" $shutdown) -}}
{{- $fixed := dict "storage" (dict "path" "/data") -}}
{{- if .Values.api.tokenSecret -}}
{{- $_ := set $fixed "api" (dict "token_file" "/etc/elava-token/token") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $defaults (deepCopy .Values.config) $fixed) -}}
{{- end -}}
