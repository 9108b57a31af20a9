"""One table of shapes that hide and one of texts that stay, through the one function for all that is shown."""

from __future__ import annotations

import random
import string

import pytest

from doctor.base.secrets.hide import redact_text
from doctor.base.secrets.redactor import Redactor

RANDOM = random.Random(4711)
X = "7k" + "".join(RANDOM.choice(string.ascii_letters + string.digits) for _ in range(26))
HEX = "".join(RANDOM.choice("0123456789abcdef") for _ in range(32))
UPPER = "".join(RANDOM.choice(string.ascii_uppercase + string.digits) for _ in range(58))

LABELS = [
    f"bad HF_TOKEN={X}", f"password={X}", f"Authorization: Bearer {X}", f"authorization: {X}", f"COOKIE={X}", f"API Key：{X}",
    f"JSESSIONID={X}", f'"identitytoken": "{X}"', f"registrytoken: {X}", f"HF_TOKEN is {X}", f"HF_TOKEN->{X}", f"DB_PW={X}",
    f"os.environ['HF_TOKEN'] = '{X}'", f"credentials={{'user': 'u', 'password': '{X}'}}", f'auth={{"bob": "{X}"}}', f"api_key: [one, {X}]",
    f'"api_keys": [\n  "first-one",\n  "{X}"\n]', f"${{HF_TOKEN:-{X}}}", f"wandb.login(key='{X}')", f"HF_TOKEN=\x1b[1m{X}\x1b[0m",
    f'let apiKey: string = "{X}";', f'hf_token: str | None = "{X}"', f"Server=h;Uid=u;Pwd={X};", f"sig={X}&se=1", f"OPENXLAB_SK={X}",
    f"token\\u003d{X}", f"api-key%3A%20{X}", f'token <- "{X}"', f"token: ['a', '{X}']", f"https://h/hub?sig={X}", f"wss://h/?token={X}", f"bob:{X}@proxy:8080",
]  # fmt: skip
BARE = [
    f'setx OPENAI_API_KEY "{X}"', f"set -x HF_TOKEN {X}", f"set -gx HF_TOKEN {X}", f"setenv HF_TOKEN {X}", f"ENV HF_TOKEN {X}",
    f"os.putenv('HF_TOKEN', '{X}')", f'login("{X}")', f'[Environment]::SetEnvironmentVariable("HF_TOKEN", "{X}")', f"git config user.password {X}",
    f"curl -ubob:{X} https://h", f'curl -sSu "bob:{X}" https://h', f"curl --user bob:{X} h", f"wandb login --relogin {X}", f"vault login {X}",
    f"huggingface-cli login --token {X}", f"terraform -token {X}", f"requirepass {X}", f"login bob password {X}",
    f"ALTER ROLE u WITH PASSWORD '{X}'", f"--api-keys first-1a {X}", f"['vllm', '--api-key', '{X}']",
]  # fmt: skip
STRUCTURES = [
    f"api_keys:\n  - {X}\n", f"api_keys:\n- {X}\n- b\n", f"<password>{X}</password>", f"<wsse:Password Type='t'>{X}</wsse:Password>",
    f'<add key="ApiKey" value="{X}"/>', f'<add value="{X}" key="ApiKey"/>', f'<entry key="db.password">{X}</entry>',
    f"<key>ApiToken</key>\n<string>{X}</string>", f"- name: HF_TOKEN\n  value: {X}", f'{{"Key":"DB_PASSWORD","Value":"{X}"}}',
    f"('HF_TOKEN', '{X}')", f"| api_key | {X} |", f"│ HF_TOKEN │ {X} │",
]  # fmt: skip
LANGUAGES = [f"密码：{X}", f"密码为：{X}", f"비밀번호는 {X}", f"令牌: {X}", f"密钥={X}", f"パスワード={X}", f"トークン：{X}", f"비밀번호: {X}", f"토큰={X}", f"пароль: {X}",
             f"contraseña: {X}", f"mot de passe : {X}", f"Passwort: {X}"]  # fmt: skip
FAMILIES = [f"hvs.{X}", f"dapi{HEX}", f"AGE-SECRET-KEY-1{UPPER}", f"LTAI{X[:20]}", f"bot123456789:AA{X}{X[:5]}", f"hf_oauth_{X}",
            f"sk_live_{X}", f"GOCSPX-{X}", f"glsa_{X}{X}"]  # fmt: skip


@pytest.mark.parametrize("text", [*LABELS, *BARE, *STRUCTURES, *LANGUAGES, *FAMILIES])
def test_hidden_in_this_shape(text: str) -> None:
    for out in (redact_text(text), Redactor().text(text), redact_text(redact_text(text))):
        assert not [s for s in (X, HEX, UPPER) if s[:12] in out or s[-12:] in out], out


@pytest.mark.parametrize("text", LABELS)
def test_the_label_stays_so_that_a_reader_knows_what_it_was(text: str) -> None:
    assert redact_text(text).split()[0][:3] == text.split()[0][:3]


RESULTS = [
    "PASS: test_load_model", "Pass: warmup done", "pass: 12/12", "auth: disabled", "auth=off", "Auth: OAuth2", "credentials: include",
    "secret: not set", "dsn: not configured", "password: must not be empty", "token: none", "cookie: disabled", "vault login failed",
    "please run huggingface-cli login first", "HF_TOKEN is not set", "set HF_TOKEN environment variable", "docker login failed: denied",
]  # fmt: skip
MODELS = [
    "token: torch.Tensor", "token=args.token", "api_key=api_key", "token: str | None = None", "pwd: command not found",
    "unexpected token: '}' at line 3", "Invalid token: else", "cache_key=abc123def4567890abc123def4567890", "hash_key=" + HEX,
    f"cache key: {HEX}", f"prefix_cache_key={HEX}", "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", "exit_code=137",
    "key Qwen2VLForConditionalGeneration not found", "token: Qwen2TokenizerFast", "token = tokenizer.decode(ids)", "image_token: <image>",
    "code=404", "http://h/v1?code=abc", "MAX_TOKENS 4096", "keys=[1,2]", "令牌数: 1234", "密码错误", "トークン数: 12", "| token | 5 |",
]  # fmt: skip
REFERENCES = [
    "HF_TOKEN=${HF_TOKEN:?}", "HF_TOKEN=${HF_TOKEN:?must be set}", "password: {{ .Values.password }}", "token: !vault", "token: ${{ secrets.HF }}",
    "imagePullSecrets: regcred", "secretKeyRef: {name: hf, key: token}", "existingSecret: mine", "secrets:\n  - db_password\n",
    "secrets:\n  hf_token:\n    file: ./hf.txt\n", "api_key: os.environ/OPENAI_API_KEY", "api_key: VLLM_API_KEY", "password: /run/secrets/db",
    "--api-key TEXT", "--hf-token HF_TOKEN", "--api-keys [API_KEYS ...]", '["token", "password"]', "curl -u bob http://h", "git@github.com:a/b",
    '<layer name="attn.key" value="3"/>', "name: HF_HOME\n  value: /data", "docker run -p 8000:8000 --user 1000:1000 x",
]  # fmt: skip


@pytest.mark.parametrize("text", [*RESULTS, *MODELS, *REFERENCES])
def test_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text
    assert Redactor().text(text) == text


def test_a_runtime_folder_is_no_name_of_a_person() -> None:
    private = Redactor(private=True)
    assert private.text("unix:path=/run/user/0/bus") == "unix:path=/run/user/0/bus"
    assert "alice" not in private.text("/home/alice/x")
