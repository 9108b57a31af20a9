# expect: engine=vllm holds=Qwen/Qwen2.5-VL-3B-Instruct
param([string]$Model = "Qwen/Qwen2.5-VL-3B-Instruct", [int]$Port = 8000)
$env:HF_TOKEN = Get-Content token.txt
$argsList = @("run","--rm","--gpus","all","--ipc=host","-p","${Port}:8000","-v","$env:USERPROFILE\.cache\huggingface:/root/.cache/huggingface","vllm/vllm-openai:v0.11.0","--model",$Model,"--max-model-len","4096")
docker @argsList
