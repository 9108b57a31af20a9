@echo off
rem expect: engine=vllm holds=Qwen/Qwen2-VL-2B-Instruct code=CMD001 requirements=vllm==0.11.0
wsl -d Ubuntu -- bash -lc "source ~/vllm/bin/activate && vllm serve Qwen/Qwen2-VL-2B-Instruct --max-len 4096"
