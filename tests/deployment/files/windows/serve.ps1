# expect: engine=vllm holds=Qwen/Qwen2-VL-2B-Instruct holds=8000 code=CMD001
<# starts the server in Docker Desktop #>
param(
    [string]$Model = "Qwen/Qwen2-VL-2B-Instruct",
    [int]$Port = 8000
)
$ErrorActionPreference = "Stop"
$cache = "$env:USERPROFILE\.cache\huggingface"
if (-not (Test-Path $cache)) {
    New-Item -ItemType Directory -Path $cache | Out-Null
}
docker run --rm --gpus all --ipc=host `
    -v "${cache}:/root/.cache/huggingface" `
    -p "${Port}:8000" `
    vllm/vllm-openai:v0.11.0 `
    --model $model --port $Port --max-len 4096
