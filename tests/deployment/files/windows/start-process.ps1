# expect: engine=vllm holds=Qwen/Qwen2-VL-2B-Instruct holds=8001 code=CMD001 requirements=vllm==0.11.0
$env:MODEL = "Qwen/Qwen2-VL-2B-Instruct"
$port = 8001
$argList = "serve", $env:MODEL, "--port", $port, "--max-len", "4096"
Start-Process -FilePath "vllm" -ArgumentList $argList -NoNewWindow -Wait
