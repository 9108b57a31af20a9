@echo off
REM expect: engine=lmdeploy holds=OpenGVLab/InternVL2-2B holds=23333 code=CMD001 requirements=lmdeploy==0.9.2
setlocal
set "MODEL=OpenGVLab/InternVL2-2B"
set PORT=23333
if not defined HF_HOME set HF_HOME=D:\hf
call C:\venvs\lmdeploy\Scripts\activate.bat
start "server" /b lmdeploy serve api_server %MODEL% ^
  --server-port %PORT% ^
  --sesion-len 4096
pause
