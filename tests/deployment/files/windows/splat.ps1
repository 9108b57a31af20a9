# expect: engine=lmdeploy holds=OpenGVLab/InternVL2-2B holds=--cache-max-entry-count code=CMD001 requirements=lmdeploy==0.9.2
$env:HF_HOME = 'D:\hf'
$serverArgs = @(
    "serve", "api_server",
    "OpenGVLab/InternVL2-2B",
    "--cache-max-entry-count", "0.5",
    "--sesion-len", 4096
)
& "C:\venvs\lmdeploy\Scripts\lmdeploy.exe" @serverArgs
