#!/usr/bin/env bash
set -euo pipefail
args=(--port "$PORT" --max-model-len "${LEN:-8192}")
if [[ -n "${API_KEY:-}" ]]; then args+=(--api-key "$API_KEY"); fi
exec vllm serve "$MODEL" "${args[@]}" "$@"
