"""Command lines of well-known tools: which hold a secret, and which hold none."""

from __future__ import annotations

import shlex

from xt import redact

SECRET = "hunter2xQ"
#: One secret in each, where the tool takes it.
GIVEN = r"""
mysql -u root -phunter2xQ db
mysql --password=hunter2xQ db
mysql --password hunter2xQ
mysqlsh root:hunter2xQ@localhost
psql -c "ALTER USER x WITH PASSWORD 'hunter2xQ'"
mysql -e "CREATE USER 'x'@'%' IDENTIFIED BY 'hunter2xQ'"
mysql -e "ALTER USER x IDENTIFIED WITH caching_sha2_password BY 'hunter2xQ'"
mysql -e "SET PASSWORD FOR 'x'@'%' = PASSWORD('hunter2xQ')"
mongosh --eval "db.auth('u', 'hunter2xQ')"
etcdctl --user root:hunter2xQ get k
consul kv put db/password hunter2xQ
vault operator unseal hunter2xQ
pulumi config set --secret other hunter2xQ
cf set-env app DB_PASSWORD hunter2xQ
oc login -u me -p hunter2xQ
yt-dlp -u me -p hunter2xQ url
mpiexec -env API_KEY hunter2xQ python t.py
spark-submit --conf spark.hadoop.fs.azure.account.key.a.dfs.core.windows.net=hunter2xQ t.py
aws ecs run-task --overrides '{"environment":[{"name":"DB_PASSWORD","value":"hunter2xQ"}]}'
python -c "os.environ.setdefault('API_TOKEN', 'hunter2xQ')"
python -c "login('me', 'hunter2xQ')"
python -c "get(u, auth=('me', 'hunter2xQ'))"
ruby -e "run({:password => 'hunter2xQ'})"
tool '["--password", "hunter2xQ"]'
aws lambda invoke --payload '{"body":"{\"password\":\"hunter2xQ\"}"}' out
tool '<password>hunter2xQ</password>'
tool '<add key="password" value="hunter2xQ"/>'
tool --headers '{"Authorization":"Bearer hunter2xQ"}'
tool "Bearer hunter2xQ"
tool --passwort hunter2xQ
bash -c 'docker login -u me --password-stdin <<< hunter2xQ'
ssh -o 'ProxyCommand=sshpass -p hunter2xQ ssh j' h
curl -b 'sid=hunter2xQ; lang=en' h
mysqldump -uroot -phunter2xQ --all-databases
curl -u user:hunter2xQ https://h
curl -vu user:hunter2xQ https://h
curl -sSu user:hunter2xQ https://h
curl -sSfLu user:hunter2xQ https://h
curl --user user:hunter2xQ h
curl --user=user:hunter2xQ h
curl -U p:hunter2xQ h
curl --proxy-user p:hunter2xQ h
curl -x http://p:hunter2xQ@proxy:80 h
curl --proxy http://p:hunter2xQ@proxy:80 h
curl -H "Authorization: Bearer hunter2xQ" h
curl -sH "Authorization: Bearer hunter2xQ" h
curl --header "X-Api-Key: hunter2xQ" h
curl -H "X-Api-Key:hunter2xQ" h
curl -H "x-auth-token: hunter2xQ" h
curl -H "apikey: hunter2xQ" h
curl -H "Cookie: session=hunter2xQ" h
curl -b "session=hunter2xQ" h
curl --cookie "session=hunter2xQ" h
curl -d "username=a&password=hunter2xQ" h
curl -d '{"password":"hunter2xQ"}' h
curl --data-urlencode "password=hunter2xQ" h
curl -F "token=hunter2xQ" h
curl --form token=hunter2xQ h
curl "https://h/?api_key=hunter2xQ&b=2"
curl --oauth2-bearer hunter2xQ h
curl --cert c.pem:hunter2xQ h
curl -E c.pem:hunter2xQ h
curl --cert=c.pem:hunter2xQ h
curl --proxy-header "Proxy-Authorization: Basic hunter2xQ" h
curl --tlspassword hunter2xQ h
curl --aws-sigv4 aws:amz -u AKIA1:hunter2xQ h
wget --password=hunter2xQ h
wget --http-password=hunter2xQ h
wget --header="Authorization: Bearer hunter2xQ" h
wget --ftp-password hunter2xQ h
http -a user:hunter2xQ h
http --auth user:hunter2xQ h
http h Authorization:"Bearer hunter2xQ"
http h X-API-Token:hunter2xQ
http POST h password=hunter2xQ
docker login -u me -p hunter2xQ reg
docker login --username me --password hunter2xQ
docker login -phunter2xQ
docker login reg --password=hunter2xQ
podman login -u me -p hunter2xQ reg
docker run -e TOKEN=hunter2xQ img
docker run -eTOKEN=hunter2xQ img
docker run --env TOKEN=hunter2xQ img
docker run --env=TOKEN=hunter2xQ img
docker run -e DB_PASS=hunter2xQ -e FOO=1 img
docker build --build-arg NPM_TOKEN=hunter2xQ .
docker run --label token=hunter2xQ img
docker run -e MYSQL_ROOT_PASSWORD=hunter2xQ mysql
sshpass -p hunter2xQ ssh h
sshpass -phunter2xQ ssh h
psql postgres://u:hunter2xQ@h/db
psql "host=h user=u password=hunter2xQ"
psql -d "postgresql://u:hunter2xQ@h/db?sslmode=require"
pg_dump --dbname=postgresql://u:hunter2xQ@h/db
redis-cli -a hunter2xQ ping
redis-cli -u redis://:hunter2xQ@h ping
redis-cli --pass hunter2xQ
redis-cli -h h AUTH hunter2xQ
redis-cli -h h CONFIG SET requirepass hunter2xQ
mongosh "mongodb+srv://u:hunter2xQ@h/db"
mongosh -u u -p hunter2xQ
mongo -u u -phunter2xQ
mongodump --password hunter2xQ
openssl enc -aes-256-cbc -pass pass:hunter2xQ -in a
openssl rsa -passin pass:hunter2xQ -in a
openssl pkcs12 -export -passout pass:hunter2xQ -password pass:hunter2xQ
openssl enc -k hunter2xQ -in a
openssl enc -K hunter2xQaabb -iv 00
openssl passwd -6 hunter2xQ
openssl req -passin=pass:hunter2xQ
gpg --passphrase hunter2xQ -d f
gpg --batch --passphrase=hunter2xQ -d f
aws configure set aws_secret_access_key hunter2xQ
aws --profile x secretsmanager put-secret-value --secret-id a --secret-string hunter2xQ
aws ssm put-parameter --name /a/b --value hunter2xQ --type SecureString
aws rds create-db-instance --master-user-password hunter2xQ
aws cognito-idp admin-set-user-password --password hunter2xQ
aws lambda update-function-configuration --environment "Variables={TOKEN=hunter2xQ}"
az login --service-principal -u a -p hunter2xQ --tenant t
az login -u a -p hunter2xQ
az storage blob list --account-key hunter2xQ
az storage blob list --sas-token "?sv=1&sig=hunter2xQ"
az storage blob list --connection-string "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hunter2xQ"
az sql server create --admin-password hunter2xQ
az keyvault secret set --name n --vault-name v --value hunter2xQ
gcloud sql users set-password u --password=hunter2xQ
gcloud run deploy s --set-env-vars=TOKEN=hunter2xQ,A=b
gcloud run deploy s --set-env-vars TOKEN=hunter2xQ,A=b
gsutil -o Credentials:gs_secret_access_key=hunter2xQ ls
kubectl create secret generic s --from-literal=password=hunter2xQ
kubectl create secret generic s --from-literal password=hunter2xQ
kubectl create secret generic s --from-literal=foo=hunter2xQ
kubectl create secret docker-registry r --docker-password=hunter2xQ
kubectl --token=hunter2xQ get pods
kubectl config set-credentials u --token=hunter2xQ
kubectl set env deploy/x TOKEN=hunter2xQ
helm install x --set auth.password=hunter2xQ
helm install x --set auth.password=hunter2xQ,image.tag=1
helm install x --set-string db.token=hunter2xQ
helm registry login -u u -p hunter2xQ r
helm repo add n u --username a --password hunter2xQ
terraform apply -var db_password=hunter2xQ
terraform apply -var "db_password=hunter2xQ"
terraform apply -var="db_password=hunter2xQ"
ansible-playbook -e ansible_password=hunter2xQ p.yml
ansible-playbook --extra-vars "ansible_become_pass=hunter2xQ" p.yml
ansible-playbook -e '{"vault_password":"hunter2xQ"}' p.yml
vault login hunter2xQ
vault login token=hunter2xQ
vault kv put secret/a password=hunter2xQ x=1
vault kv put secret/a value=hunter2xQ
vault write auth/userpass/login/u password=hunter2xQ
consul kv get -token=hunter2xQ a
nomad -token hunter2xQ status
git clone https://u:hunter2xQ@h/r
git clone https://hunter2xQ@h/r
git -c http.extraheader="AUTHORIZATION: basic hunter2xQ" fetch
git -c http.extraHeader="Authorization: Bearer hunter2xQ" fetch
git -c http.https://h/.extraheader="PRIVATE-TOKEN: hunter2xQ" fetch
git config http.extraheader "Authorization: Basic hunter2xQ"
git config --global user.password hunter2xQ
git remote add o https://u:hunter2xQ@h/r
npm config set //registry.npmjs.org/:_authToken hunter2xQ
npm config set //registry.npmjs.org/:_authToken=hunter2xQ
npm publish --//registry.npmjs.org/:_authToken=hunter2xQ
yarn config set npmAuthToken hunter2xQ
pip install --index-url https://u:hunter2xQ@h/simple p
pip install -i https://u:hunter2xQ@h/simple p
twine upload -u __token__ -p hunter2xQ dist/x
twine upload --username a --password hunter2xQ dist/x
poetry publish -u a -p hunter2xQ
poetry config pypi-token.pypi hunter2xQ
poetry config http-basic.r user hunter2xQ
uv publish --token hunter2xQ
uv publish -t hunter2xQ
uv publish -u a -p hunter2xQ
hf auth login --token hunter2xQ
huggingface-cli login --token hunter2xQ
huggingface-cli upload --token=hunter2xQ
wandb login hunter2xQ
wandb login --relogin hunter2xQ
kaggle config set -n key -v hunter2xQ
dvc remote modify r secret_access_key hunter2xQ
dvc remote modify --local r password hunter2xQ
rclone config create r s3 secret_access_key hunter2xQ
rclone config create r s3 secret_access_key=hunter2xQ
rclone --s3-secret-access-key hunter2xQ ls r:
rclone --sftp-pass hunter2xQ ls r:
mc alias set m http://h AKIA hunter2xQ
s3cmd --secret_key=hunter2xQ ls
restic -o x --password-command "echo hunter2xQ"
ftp ftp://u:hunter2xQ@h/
lftp -u user,hunter2xQ h
lftp -u user,hunter2xQ sftp://h
smbclient //s/h -U user%hunter2xQ
mount -t cifs -o username=a,password=hunter2xQ //s/h /m
rsync rsync://u:hunter2xQ@h/m
sftp u:hunter2xQ@h:x
ldapsearch -D cn=a -w hunter2xQ -b x
ldapsearch -D cn=a -whunter2xQ
ldapmodify -w hunter2xQ
ldappasswd -s hunter2xQ
htpasswd -b f user hunter2xQ
htpasswd -bnB user hunter2xQ
kinit --password=hunter2xQ
sqlcmd -S s -U u -P hunter2xQ
sqlcmd -S s -U u -Phunter2xQ
bcp t in f -U u -P hunter2xQ
sqlplus user/hunter2xQ@db
sqlplus -s user/hunter2xQ@//h:1521/s
impala-shell -l --ldap_password_cmd="printf hunter2xQ"
beeline -u jdbc:hive2://h -n u -p hunter2xQ
clickhouse-client --password hunter2xQ
clickhouse-client --password=hunter2xQ
cqlsh -u u -p hunter2xQ h
influx -username a -password hunter2xQ
influx -token hunter2xQ
nats --password hunter2xQ pub
mosquitto_pub -u a -P hunter2xQ -t x
kafka-console-producer --producer-property sasl.jaas.config='x required username="a" password="hunter2xQ";'
rabbitmqctl add_user u hunter2xQ
rabbitmqadmin -u u -p hunter2xQ list
ssh-keygen -N hunter2xQ -f k
ssh-keygen -P hunter2xQ -p -f k
ssh-keygen -q -t ed25519 -N "hunter2xQ" -f k
keytool -storepass hunter2xQ -keypass hunter2xQ
jarsigner -storepass hunter2xQ x
zip -P hunter2xQ a b
zip -rP hunter2xQ a b
zip -er -Phunter2xQ a b
unzip -P hunter2xQ a
7z x -phunter2xQ a
7za a -phunter2xQ a b
rar a -phunter2xQ a b
rar a -hphunter2xQ a b
unrar x -phunter2xQ a
pdftk a output b user_pw hunter2xQ
qpdf --password=hunter2xQ a b
qpdf --encrypt hunter2xQ hunter2xQ 256 -- a b
su -c "mysql -phunter2xQ" u
usermod -p hunter2xQ u
useradd -p hunter2xQ u
nmcli dev wifi connect s password hunter2xQ
xfreerdp /u:a /p:hunter2xQ /v:h
snmpwalk -v3 -A hunter2xQ -X hunter2xQ h
ipmitool -U a -P hunter2xQ power
ipmitool -H h -U a -Phunter2xQ power
env TOKEN=hunter2xQ cmd
env -i A=1 SECRET_KEY=hunter2xQ cmd
TOKEN=hunter2xQ cmd
sh -c "export TOKEN=hunter2xQ; cmd"
sh -c "TOKEN=hunter2xQ cmd"
sh -c 'export TOKEN="hunter2xQ"; cmd'
bash -c "curl -u a:hunter2xQ h"
bash -lc "set -x; export A_TOKEN=hunter2xQ B=1"
bash -c "echo hunter2xQ | docker login --password-stdin"
bash -c "docker login -u a -p hunter2xQ"
bash -c "mysql -uroot -phunter2xQ -e 'select 1'"
fish -c "set -x TOKEN hunter2xQ"
fish -c "set -gx API_KEY hunter2xQ; cmd"
csh -c "setenv TOKEN hunter2xQ"
python train.py --hf_token hunter2xQ
python train.py --hf-token=hunter2xQ
python train.py --pwd hunter2xQ
python train.py --pw hunter2xQ
python train.py --pass hunter2xQ
python train.py --passwd=hunter2xQ
python train.py --api_key hunter2xQ
python train.py --key hunter2xQ
python train.py +api.key=hunter2xQ
python train.py ++wandb.api_key=hunter2xQ
python train.py model.token=hunter2xQ
python train.py --auth user:hunter2xQ
python train.py --credentials user:hunter2xQ
python train.py --config '{"api_key": "hunter2xQ"}'
python train.py --wandb.api-key hunter2xQ
python -c "import os; os.environ['TOKEN']='hunter2xQ'"
python -c "import x; x.login(token='hunter2xQ')"
python -c "import x; x.login(password=\"hunter2xQ\")"
python -c "requests.get('u', headers={'Authorization': 'Bearer hunter2xQ'})"
torchrun --nproc-per-node 2 t.py --token hunter2xQ
srun --export=ALL,TOKEN=hunter2xQ cmd
sbatch --export TOKEN=hunter2xQ x.sh
ssh h "TOKEN=hunter2xQ cmd --x"
ssh h mysql -phunter2xQ
ssh h "mysql -phunter2xQ db"
nohup env TOKEN=hunter2xQ cmd
timeout 5 env TOKEN=hunter2xQ cmd
xargs -I{} curl -u a:hunter2xQ {}
make deploy TOKEN=hunter2xQ
make TOKEN:=hunter2xQ
cmake -DTOKEN=hunter2xQ .
java -Dtoken=hunter2xQ -jar a
java -jar a --spring.datasource.password=hunter2xQ
gh secret set NAME --body hunter2xQ
gh secret set NAME -b hunter2xQ
gh secret set NAME -bhunter2xQ
gh api -H "Authorization: token hunter2xQ" /x
glab auth login --token hunter2xQ
heroku config:set TOKEN=hunter2xQ
fly secrets set TOKEN=hunter2xQ
vercel --token hunter2xQ
vercel -t hunter2xQ
netlify --auth hunter2xQ deploy
firebase deploy --token hunter2xQ
sentry-cli --auth-token hunter2xQ x
doctl -t hunter2xQ x
doctl --access-token hunter2xQ
skopeo copy --src-creds u:hunter2xQ --dest-creds=u:hunter2xQ a b
skopeo login -u u -p hunter2xQ r
skopeo inspect --creds u:hunter2xQ a
buildah login -u u -p hunter2xQ r
buildah push --creds u:hunter2xQ a
oras push -u u -p hunter2xQ r
oras login -u u -p hunter2xQ r
crane auth login r -u u -p hunter2xQ
nerdctl login -u u -p hunter2xQ
singularity remote login -u u -p hunter2xQ docker://h
apptainer remote login -p hunter2xQ docker://h
apptainer run --env TOKEN=hunter2xQ a.sif
conda config --set token hunter2xQ
anaconda -t hunter2xQ upload f
conda install -c https://conda.anaconda.org/t/tk-hunter2xQ/chan p
mlflow run --env-manager local -P token=hunter2xQ .
prefect cloud login -k hunter2xQ
prefect cloud login --key hunter2xQ
airflow connections add c --conn-password hunter2xQ
airflow connections add c --conn-uri mysql://u:hunter2xQ@h
superset fab create-admin --password hunter2xQ
django-admin createsuperuser --password hunter2xQ
influx auth create -t hunter2xQ
stripe --api-key hunter2xQ
ngrok authtoken hunter2xQ
ngrok config add-authtoken hunter2xQ
tailscale up --authkey hunter2xQ
tailscale up --auth-key=hunter2xQ
cloudflared tunnel run --token hunter2xQ
snyk auth hunter2xQ
sonar-scanner -Dsonar.token=hunter2xQ
codecov -t hunter2xQ
codecov --token=hunter2xQ
coveralls --token hunter2xQ
nuget push p -ApiKey hunter2xQ
nuget push p -k hunter2xQ
dotnet nuget push p -k hunter2xQ
dotnet nuget add source --password hunter2xQ u
cargo publish --token hunter2xQ
cargo login hunter2xQ
mvn deploy -Dpassword=hunter2xQ
gradle publish -PnexusPassword=hunter2xQ
composer config http-basic.h u hunter2xQ
composer config github-oauth.github.com hunter2xQ
docker compose run -e TOKEN=hunter2xQ s
docker exec -e PGPASSWORD=hunter2xQ c psql
docker service create --env TOKEN=hunter2xQ
lm_eval --model_args pretrained=a,token=hunter2xQ
vllm serve m --api-key hunter2xQ
litellm --api_key hunter2xQ
label-studio --password hunter2xQ --user-token hunter2xQ
jupyter lab --NotebookApp.token=hunter2xQ
jupyter lab --IdentityProvider.token=hunter2xQ
jupyter lab --ServerApp.password='hunter2xQ'
svn co --username a --password hunter2xQ u
hg --config auth.x.password=hunter2xQ pull
p4 -P hunter2xQ sync
cvs -d :pserver:u:hunter2xQ@h:/r co
"""
#: Nothing in these is to be masked.
HARMLESS = r"""
python train.py --lr 0.1 --epochs 10
python train.py --max-tokens 512 --tokenizer bert-base-uncased
python train.py --sort-key name --cache-key a1b2c3
python -m pytest -p no:cacheprovider tests/
pytest -p xdist -n 4 -k "test_token or test_auth"
ssh -p 2222 host ls
ssh -p 22 h docker ps
docker run -p 8080:80 -e FOO=1 -u 1000:1000 img
docker run --rm -it -v a:b -w /work img python x.py
docker login reg
docker compose -p proj up
docker run -p 80:80 img login
podman run -p 80:80 img
mysql -u root -p db
mysql -h h -P 3306 db
psql -h h -p 5432 -U u db
pg_dump -U u db
redis-cli -h h -p 6379 ping
curl -o out.json https://example.org/a?b=1
curl -sSfL https://example.org/install.sh
curl -X POST -d '{"a": 1}' h
curl -E client.pem --key k.pem h
curl --cert client.pem h
curl -H "Content-Type: application/json" h
curl -H "Accept:application/json" h
http GET example.org Accept:application/json
http -v example.org a=1 b=2
7z x a.7z -ooutput
zip -r a.zip b
unzip -o a.zip -d b
tar -xzf a.tar.gz
openssl req -new -key k.pem -out c.csr -keyform PEM
openssl enc -d -kfile f
openssl genrsa -out k.pem 4096
openssl x509 -in a -text
openssl dgst -sha256 f
ssh-keygen -t ed25519 -f key
ssh-keygen -lf key
git commit -m "add token handling"
git config user.name "Jane Doe"
git config user.email jane@example.org
git config credential.helper store
git config user.signingkey ABCD1234
git config --global core.editor vim
git -c core.pager=cat log
git push origin main
git checkout -b feature/auth-token
npm config set registry https://registry.npmjs.org/
npm run build -- --mode production
npm set progress=false
conda install -c conda-forge numpy=1.26
conda config --set auto_activate_base false
conda config --add channels conda-forge
aws s3 cp s3://b/k . --profile x --region us-east-1
aws configure set region us-east-1
aws ssm get-parameter --name /a/b --with-decryption
az login
az group list -o table
az acr login -n reg
kubectl get secret s -o yaml
kubectl create secret generic s --from-file=f
kubectl -n ns get pods
helm install x -f values.yaml --set image.tag=1.2.3,replicas=2
terraform apply -var region=us -var-file=x.tfvars
terraform plan -out plan.bin
ansible-playbook -i hosts p.yml -e version=1.2
vault kv get secret/a
vault read auth/userpass
vault login -method=oidc
vault status
dvc repro
dvc remote add -d r s3://b
dvc remote modify r region us-east-1
rclone copy a: b: -P
rsync -avP a b
cargo build --release
cargo login
wandb login
wandb sync run
wandb agent u/p/abc
python -m wandb login
gh pr create -b "body text" -t title
gh secret list
gh auth status
gh auth login
uv run -p 3.12 python x.py
uv pip install -p 3.12 x
uv sync
poetry run python x.py
poetry config virtualenvs.in-project true
twine check dist/*
mpirun -np 4 ./a
srun -p gpu -n 4 python t.py
sbatch -p gpu --time 1:00 j.sh
torchrun --nproc-per-node 2 t.py
accelerate launch t.py
make -j4 all
cmake -DCMAKE_BUILD_TYPE=Release -B build
java -Xmx4g -jar a.jar -p 8080
snakemake -p --cores 4
nextflow run x -profile docker
mosquitto_sub -h h -p 1883 -t topic
ipmitool -I lanplus -H h -U a power status
useradd -m -s /bin/bash jane
usermod -aG docker jane
sqlcmd -S s -i f.sql
influx -database d -execute 'select 1'
codecov -f coverage.xml
nuget restore x.sln
dotnet build -c Release
dotnet test -p:Configuration=Release
prefect deploy -n x
7z a -t7z a.7z b
python x.py --pwd /work/dir
apptainer exec --pwd /work a.sif ls
apptainer run -B a:b a.sif
apptainer remote login docker://h
env PWD=/x cmd
python serve.py --mode http -a 3
python serve.py --host login -p 80
tmux set -g status off
bash -c "set -x; python train.py --lr 1"
bash -c "set -euo pipefail; echo hello | tee log"
bash -c "echo done | wc -l"
sh -c "cd /tmp && ls -la | grep token"
fish -c "set -x PATH /a /b"
python -c "print('password')"
python -c "import getpass; p = getpass.getpass()"
python train.py --optimizer.params.betas=[0.9,0.999]
python train.py --auth none --session-id 12
python train.py --key 5 --keys a,b
python train.py --save-password false
python train.py --use_auth_token True
python train.py --token_dim 128 --tokens-per-batch 4096
python train.py model.name=gpt2 data.path=/d seed=1
python eval.py --model org/name@0123456789abcdef0123456789abcdef01234567
python eval.py --digest sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
python x.py user@host:path me@example.org
python x.py a/b@c
sqlplus / as sysdba
sqlplus @script.sql
openssl passwd
mc ls play
mc alias list
mc cp a b
nmcli dev wifi list
qpdf a b
find . -name "*.key" -p
grep -r password src
grep -rn "token=" src
sed -i s/password/x/ f
awk '{print $1}' f
lftp h -e "ls"
xargs -P 4 -n 1 echo
parallel -j 4 echo
lm_eval --model hf --tasks a,b --num_fewshot 5 --batch_size 8
vllm serve m --max-model-len 4096 --dtype auto
ollama run llama3:8b
docker run python:3.12@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef t.py
gcloud add-binding p --member serviceAccount:ci-2024@p.iam.gserviceaccount.com
mutt mailto:Jane2024Doe@example.org
curl -b cookies.txt -c cookies.txt h
mpiexec -env OMP_NUM_THREADS 4 python t.py
python -c "df[['token', 'label']].to_csv('out2024.csv')"
python -c "auth('user')"
xargs --format=zip -P 4
deepspeed --num_gpus 2 t.py --deepspeed ds.json
jupyter nbconvert --to html x.ipynb
"""


def test_secrets_are_masked_where_tools_take_them() -> None:
    missed = {}
    for line in GIVEN.strip().splitlines():
        argv = shlex.split(line)
        cleaned, indices = redact.clean_argv(argv)
        found = redact.argv_secrets(argv).values()
        if SECRET in " ".join(cleaned) or not indices or not any(SECRET in value for value in found):
            missed[line] = cleaned
    assert missed == {}


def test_command_lines_without_secrets_are_left_alone() -> None:
    lines = [shlex.split(line) for line in HARMLESS.strip().splitlines()]
    changed = {shlex.join(argv): cleaned for argv in lines if (cleaned := redact.clean_argv(argv)[0]) != argv}
    assert changed == {}


def test_what_is_around_a_secret_is_kept() -> None:
    for line, masked in {
        "curl -sSfu me:hunter2xQ h": "curl -sSfu me:*** h",
        "curl --cert c.pem:hunter2xQ h": "curl --cert c.pem:*** h",
        "sqlplus -s me/hunter2xQ@//h:1521/s": "sqlplus -s me/***@//h:1521/s",
        "lftp -u me,hunter2xQ h": "lftp -u me,*** h",
        "kubectl create secret generic s --from-literal=a=hunter2xQ": (
            "kubectl create secret generic s --from-literal=a=***"
        ),
        "openssl rsa -passin pass:hunter2xQ -in a": "openssl rsa -passin pass:*** -in a",
        "sh -c 'echo hunter2xQ | docker login -u a --password-stdin r; ls'": (
            "sh -c 'echo *** | docker login -u a --password-stdin r; ls'"
        ),
        "ssh -p 22 h docker login -u a -p hunter2xQ": "ssh -p 22 h docker login -u a -p ***",
        "vault kv put a/b user=hunter2xQ": "vault kv put a/b user=***",
        "zip -rP -hunter2xQ a b": "zip -rP *** a b",
        "git -c http.https://h/.extraheader='PRIVATE-TOKEN: hunter2xQ' fetch": (
            "git -c 'http.https://h/.extraheader=PRIVATE-TOKEN: ***' fetch"
        ),
    }.items():
        assert redact.clean_argv(shlex.split(line))[0] == shlex.split(masked)
