#!/usr/bin/env bash
# expect: engine=vllm holds=Qwen/Qwen2-VL-2B-Instruct code=CMD001
set -e
python3 -m venv .venv && . .venv/bin/activate
pip install -q "vllm==0.9.1"
nohup vllm serve Qwen/Qwen2-VL-2B-Instruct --max-len 4096 > server.log 2>&1 &
echo $! > server.pid
