"""Command lines around a server: `S` is `vllm serve M --port 9`, `T` the same as one quoted word."""

from __future__ import annotations

SERVER = ("vllm", "serve", "M", "--port", "9")

# each is a line that starts S, with programs as people write them
STARTS = r"""
nohup S
chronic -v S
winpty S
proxychains4 -q -f /etc/p.conf S
torsocks --port 9050 S
env -u A B=c -C /srv S
env -S 'X=1 Y=2 vllm serve M --port 9'
env --unset=A --chdir=/srv -- S
nice S
nice -n 5 S
nice -n5 S
nice -5 S
nice --adjustment=5 S
timeout 10 S
timeout -s KILL -k 5 10m S
timeout --sig=KILL --foreground 1h S
timeout -- 10 S
stdbuf -oL -e0 S
stdbuf -i 0 -o L S
time -p S
time -f %e -o x S
exec -a server S
command -p S
eval T
eval vllm serve M --port 9
chroot --userspec 1:1 /srv/x S
setsid -fw S
ionice -c2 -n0 -t S
ionice -c 2 -n 0 S
taskset -c 0-7 S
taskset 0xff S
chrt -f 10 S
chrt --batch 0 S
chrt -i S
prlimit --nofile=4096 -n=10 S
choom -n -500 -- S
flock /tmp/l S
flock -w 5 -n /tmp/l S
flock -n /tmp/l -c T
flock --timeout 5 /tmp/l --command T
script -qc T /dev/null
script -q /dev/null -c T
script -q -e --command T
setpriv --reuid 1000 --regid=1000 --clear-groups S
unshare -r -n --propagation slave S
nsenter -t 12 -m -n S
nsenter --target 12 --mount -- S
setarch x86_64 -R S
setarch -R S
linux64 S
su llm -c T
su - llm -c T
su -s /bin/bash -c T llm
su --login llm --command T
runuser -u llm -- S
runuser -u llm S
runuser -l llm -c T
sudo S
sudo -EH S
sudo -u llm A=b S
sudo -n -u llm -g video -- S
sudo --user=llm --preserve-env S
sudo -iu llm S
doas -u llm S
pkexec --user llm S
run0 -u llm S
sg video -c T
busybox sh -c T
busybox nohup S
fakeroot S
/opt/nvidia/nvidia_entrypoint.sh S
bash -euo pipefail -c T
bash -euxo pipefail -c T
bash --login -c T
bash --norc -ic T
fish -c T
gcloud compute ssh gpu1 --zone us-central1-a --command T
gcloud compute ssh me@gpu1 --command=T
vagrant ssh -c T
multipass exec box -- S
limactl shell box S
sky exec mycluster T
sky launch -c x --gpus A100:1 T
hyperfine -r 1 T
srun -W 30 -n1 S
gosu llm S
su-exec llm:llm S
s6-setuidgid llm S
capsh --drop=all -- -c T
capsh --user=llm -- -c T
chpst -u llm -n 5 S
chpst -P -e ./env S
softlimit -m 1000 S
s6-softlimit -m 1000 S
setlock -n lock S
envdir ./env S
cgexec -g memory:x S
cgexec -g cpu,memory:x --sticky S
cpulimit -l 50 -- S
systemd-run --user --scope S
systemd-run -p MemoryMax=10G --unit x -E A=b S
systemd-inhibit --what=idle --who me S
systemd-cat -t vlm S
caffeinate -is S
dumb-init S
dumb-init -c -r 15:2 -- S
tini S
tini -g -- S
tini -s -p SIGTERM -- S
catatonit -- S
daemonize -p /run/x -c /srv /usr/bin/vllm serve M --port 9
daemon -n vlm -- S
start-stop-daemon --start --pidfile /run/x --exec /usr/bin/vllm -- serve M --port 9
start-stop-daemon -S -b -m -p /run/x -a vllm -- serve M --port 9
pm2 start T
pm2 start T --name vlm
pm2 start vllm --name vlm --interpreter none -- serve M --port 9
forever start -c T
forever -l x start T
tmux new-session -d -s x T
tmux new -ds x S
tmux -L sock new-window -n x T
tmux T
tmux new -d -s x \; send-keys -t x T C-m
tmux new-session -d -s x ';' send-keys T Enter
tmux send-keys -t x T Enter
byobu new-session -d T
screen -dmS x S
screen -d -m -S x S
screen -dmS x bash -c T
screen -S x -X stuff 'vllm serve M --port 9\n'
screen -S x -p 0 -X stuff 'vllm serve M --port 9^M'
abduco -n x S
dtach -n /tmp/s -Ez S
xterm -e S
xterm -title x -e T
gnome-terminal -- S
gnome-terminal --title x -- bash -c T
xfce4-terminal -x S
ts S
tsp -L x S
xargs vllm serve M --port 9
xargs -r -n 1 -I {} S
parallel ::: T
parallel -j 1 S
parallel -j1 vllm serve {} --port 9 ::: M
parallel 'vllm serve M --port' ::: 9
parallel vllm serve {1} --port {2} ::: M N ::: 9 8
parallel vllm serve ::: M ::: --port ::: 9
watch -n 5 S
watch -n5 T
watch -x S
entr -r S
entr -s T
nodemon --exec T
nodemon -x T --watch x
watchmedo shell-command --patterns=*.py --command T .
watchmedo auto-restart -d . -p *.py -- S
watchexec -r -e py -- S
watchexec -w x T
watchfiles T ./src
ssh gpu1 S
ssh gpu1 T
ssh -p 22 -i k me@gpu1 T
ssh gpu1 -t -p 22 T
ssh -tt -o StrictHostKeyChecking=no gpu1 'cd /srv && vllm serve M --port 9'
ssh gpu1 "bash -lc 'vllm serve M --port 9'"
autossh -M 0 gpu1 T
sshpass -p x ssh gpu1 T
mosh gpu1 -- S
pdsh -w gpu[1-2] T
srun --gres=gpu:2 S
srun -p gpu -N1 -n 1 --export=ALL,A=b S
srun --container-image=vllm/vllm-openai:v0.11.0 S
salloc --gres gpu:2 -t 60 S
sbatch --gres=gpu:2 --wrap T
sbatch -p gpu --wrap=T
mpirun -np 1 S
mpirun -np 1 --allow-run-as-root -x A=b --bind-to none -H gpu1 S
mpiexec.hydra -ppn 1 -n 1 -genv A b S
orterun --mca btl tcp -n 1 S
flux run -N1 -g 2 S
flux mini run -n 1 S
bsub -q gpu -gpu num=2 -o out S
bsub -Is -q gpu T
qsub -b y -cwd -l gpu=1 -V S
condor_run T
ray job submit --working-dir . -- S
ray job submit --address http://x:8265 --no-wait -- S
ray exec cluster.yaml T
kubectl exec -it pod-0 -- S
kubectl -n llm exec pod-0 -c main -- S
kubectl exec pod-0 -c main -- bash -c T
kubectl run x --image=vllm/vllm-openai:v0.11.0 --restart=Never -- S
kubectl debug pod-0 -it --image=busybox -- S
apptainer exec --nv img.sif S
apptainer -s exec --nv -B /a:/b --env A=b docker://vllm/vllm-openai:v0.11.0 S
singularity run --nv img.sif S
docker exec -it c S
docker exec -e A=b -w /srv -u 1000 c bash -lc T
podman exec c S
docker compose exec -T app S
docker compose -f x.yaml exec app S
docker-compose exec app S
crictl exec -it c S
lxc exec c --env A=b -- S
enroot start --rw -e A=b img S
shifter --image=docker:x/y:z S
podman-hpc exec c S
toolbox run -c box S
distrobox enter box -- S
distrobox enter -n box -- S
distrobox-enter box -- S
bwrap --ro-bind / / --setenv A b --chdir /srv --dev /dev S
firejail --noprofile --net=none S
proot -r /srv/x -b /dev S
flatpak-spawn --host --env=A=b S
wsl -d Ubuntu -- S
wsl.exe bash -lc T
wsl -e S
wsl -d Ubuntu -u me --cd / -e bash -c T
cmd /c S
cmd.exe /d /c T
powershell -NoProfile -Command T
pwsh -c T
powershell.exe -ExecutionPolicy Bypass -Command "& vllm serve M --port 9"
dotenv run S
dotenv run -- S
dotenv -f prod.env run S
dotenv -e .env -- S
env-cmd -f .env S
op run --env-file=x -- S
op run -- S
doppler run -- S
doppler run -p x -c dev --command T
infisical run --env=dev -- S
chamber exec service -- S
aws-vault exec me -- S
vault-env S
envconsul -prefix x S
sops exec-env f.yaml T
teller run -- S
direnv exec . S
mise exec python@3.12 -- S
mise x -- S
asdf exec S
pyenv exec S
faketime -f '2024-01-01' S
faketime '2024-01-01' S
numactl --cpunodebind=0 --membind=0 S
numactl -N 0 -m 0 S
numactl --physcpubind 0-7 -l S
likwid-pin -c 0-3 S
uv run S
uv run --with x --python 3.11 -- S
uv --project /x run --env-file .env S
uvx vllm serve M --port 9
uvx --from vllm==0.11 vllm serve M --port 9
uvx vllm@0.11.0 serve M --port 9
uv tool run --from vllm S
pipx run vllm==0.11.0 serve M --port 9
pipx run --spec vllm==0.11 S
poetry run S
poetry -C x run S
pipenv run S
pdm run -p x S
hatch run S
hatch run gpu:vllm serve M --port 9
hatch -e gpu run S
rye run S
pixi run -e gpu S
pixi run --manifest-path x S
pixi exec -s vllm S
conda run -n vlm --no-capture-output S
conda run --live-stream -p /x S
mamba run -p /x S
micromamba -r /x run -n vlm S
nix-shell --run T
nix-shell -p python3 --pure --command T
nix develop -c S
nix develop .#gpu --command S
nix shell nixpkgs#x -c S
guix shell python -- S
devbox run S
devcontainer exec --workspace-folder . S
npx dotenv -e .env -- S
npm exec -- S
concurrently T 'npm run web'
concurrently -n a,b 'npm run web' T
nsys profile S
nsys profile -o x -t cuda,nvtx --force-overwrite true --trace-fork-before-exec=true S
nsys launch S
ncu S
ncu --set full -o x -k regex:gemm -c 10 S
nvprof -o x S
perf record -g -F 99 -o x -- S
perf stat -e cycles S
perf record --call-graph dwarf S
strace -f S
strace -fo out -e trace=open -s 200 S
ltrace -fo x S
gdb --args S
gdb -q -ex run --args S
cuda-gdb --args S
lldb -- S
lldb -o run -- S
gdbserver :1234 S
valgrind --tool=memcheck S
heaptrack -o x S
compute-sanitizer --tool memcheck S
py-spy record -o x.svg -- S
py-spy record -r 100 -f speedscope -o x -- S
austin -i 1ms S
viztracer -- S
opentelemetry-instrument --service_name x S
ddtrace-run S
rr record -n S
rocprof --hip-trace S
rocprofv3 --hip-trace -- S
vtune -collect hotspots -r x -- S
vtune -collect=gpu-offload S
advisor --collect=survey -- S
catchsegv S
unbuffer -p S
sudo -E env A=b nohup nice -n 5 bash -c 'exec vllm serve M --port 9'
sh -c 'exec "$0" "$@"' S
sh -c 'exec "$@"' _ S
bash -c T
bash -lc T
sh -xc T
bash -o pipefail -c T
zsh -c 'source x; vllm serve M --port 9'
bash -c 'pkill -f "vllm serve"; sleep 1; vllm serve M --port 9 2>&1 | tee log'
bash -c 'echo vllm serve M --port 9 | at now'
bash -c 'echo M | xargs -I{} vllm serve {} --port 9'
bash -c 'echo M --port 9 | xargs vllm serve'
bash -c 'printf "vllm serve M --port 9\n" | ssh gpu1'
bash -c 'echo "vllm serve M --port 9" | sudo -u llm bash'
bash -c 'echo M | parallel vllm serve {} --port 9'
bash -c 'echo vllm serve; cd /srv; nohup vllm serve M --port 9 > log &'
"""

# each is a line that runs the module; words are those of `python`
MODULES = r"""
torchrun --nproc-per-node 2 --no-python S => S
torchrun --nproc_per_node=2 -m vllm.entrypoints.openai.api_server --model M => python -m vllm.entrypoints.openai.api_server --model M
torchrun --standalone --nnodes 1 serve.py --x => python serve.py --x
python -m torch.distributed.run --nproc-per-node 2 -m sglang.launch_server --model-path M => python -m sglang.launch_server --model-path M
python3 -m torch.distributed.launch --use-env --module sglang.launch_server --model-path M => python3 -m sglang.launch_server --model-path M
accelerate launch --num_processes 2 -m vllm.entrypoints.openai.api_server --model M => python -m vllm.entrypoints.openai.api_server --model M
accelerate-launch --no_python S => S
deepspeed --num_gpus 2 --module sglang.launch_server --model-path M => python -m sglang.launch_server --model-path M
coverage run -m sglang.launch_server --model-path M => python -m sglang.launch_server --model-path M
coverage run --source=x serve.py => python serve.py
python -m coverage run -p -m sglang.launch_server => python -m sglang.launch_server
memray run -o x -m sglang.launch_server --model-path M => python -m sglang.launch_server --model-path M
memray run --live -m sglang.launch_server => python -m sglang.launch_server
scalene --cpu --- serve.py => python serve.py
scalene run serve.py => python serve.py
kernprof -l -v -m sglang.launch_server => python -m sglang.launch_server
kernprof -lv serve.py => python serve.py
viztracer -o x -m sglang.launch_server => python -m sglang.launch_server
pyinstrument -o x -m sglang.launch_server => python -m sglang.launch_server
python -m cProfile -o x -m sglang.launch_server => python -m sglang.launch_server
python3.11 -u -m cProfile -s time -m sglang.launch_server => python3.11 -m sglang.launch_server
python -m trace --trace -f x serve.py => python serve.py
python -m pdb -c continue -m sglang.launch_server => python -m sglang.launch_server
python -m debugpy --listen 5678 --wait-for-client -m sglang.launch_server => python -m sglang.launch_server
py-spy record -- python -m sglang.launch_server => python -m sglang.launch_server
uv run -m sglang.launch_server --model-path M => python -m sglang.launch_server --model-path M
uv run python -m sglang.launch_server => python -m sglang.launch_server
/opt/x/bin/coverage run -m sglang.launch_server => /opt/x/bin/python -m sglang.launch_server
"""

# each starts no server
STARTS_NOTHING = r"""
vllm serve --help
vllm serve M --dtype auto -h
python -m vllm.entrypoints.openai.api_server --help=page
nohup lmdeploy serve api_server --help
bash -c "sglang serve -h | less"
pkill -f "vllm serve"
sudo pkill -9 -f "python -m sglang.launch_server"
killall vllm
pgrep -af "vllm serve M"
ps aux
grep -r "vllm serve" .
rg "lmdeploy serve api_server"
echo vllm serve M
printf "%s" "vllm serve M"
git commit -m "vllm serve M"
git log --grep "vllm serve"
tail -f vllm.log
less "vllm serve"
cat start.sh
vim start.sh
nano serve.sh
code .
man vllm
which vllm
whereis vllm
type vllm
command -v vllm
docker stop vllm
docker rm -f vllm
docker logs -f vllm
docker ps
docker pull vllm/vllm-openai:v0.11.0
docker build -t vllm serve
docker tag a vllm/vllm-openai:b
docker compose down
docker compose -f x.yaml logs vllm
docker-compose pull
systemctl status vllm
sudo systemctl stop vllm
systemctl --user cat vllm
journalctl -u vllm -f
curl -s http://localhost:8000/v1/models
curl -d '{"x": "vllm serve M"}' localhost
wget http://x/vllm
pip install vllm
uv pip install vllm
uv add vllm
conda install -n x vllm
apt install vllm
make -n serve
watch nvidia-smi
watch -n1 "ps aux | grep vllm"
find . -name vllm
sed -i "s/vllm serve/x/" start.sh
awk "/vllm serve/" log
ls vllm
lsof -i :8000
rm -rf vllm
cp vllm serve
mkdir -p vllm
tar czf vllm.tgz vllm
rsync -a vllm host:serve
scp vllm host:
huggingface-cli download Qwen/Qwen2-VL-7B-Instruct
hf download Qwen/Qwen2-VL-7B-Instruct
modelscope download --model x
pytest -k "vllm serve"
ruff check vllm
mypy vllm
black vllm
jq .vllm x.json
diff vllm serve
nvidia-smi
export X="vllm serve M"
tmux ls
tmux attach -t vllm
kubectl logs vllm
kubectl -n llm get pods
bash -c "pkill -f 'vllm serve'"
bash -c "echo vllm serve M | tee start.sh"
ssh gpu1 "pkill -f 'vllm serve'"
sudo -E docker logs vllm
taskset -p 0x1 123
ionice -c3 -p 123
chrt -p 99 123
strace -p 123
gdb -p 123
nsys stats x.nsys-rep
conda env list
poetry add vllm
squeue -u me
man "vllm serve"
timeout 10 grep "vllm serve" x
xargs rm vllm
sudo -l
tmux new -d -s vllm
pm2 logs vllm
ray stop
at -l
"""
