"""`xt rerun --env docker`: the command in a container of a real engine, the record outside."""

from __future__ import annotations

from tests.services.docker import NAME, left


def recorded(project, *words: str, **variables: str):
    """Record a run that believes to be in a container of the image."""
    env = {"XT_IMAGE": NAME, **variables}
    # Without a network namespace of its own the engine has the host's only.
    done = project.run(*words, env=env)
    return done


def test_it_runs_in_the_recorded_image(repeated, docker_engine):
    repeated.write("a.txt", "then\n")
    repeated.write(".gitignore", "data\n")
    repeated.write("data", "input\n")
    script = "cat a.txt data; pwd; echo made > made; ls /bin | while read x; do echo $x; done; exit 7"
    done = recorded(repeated, "-i", "data", "--", "sh", "-c", script)
    assert done.code == 7, done.err
    repeated.write("a.txt", "now\n")
    before = repeated.everything()
    again = repeated.rerun("--env", "docker", code=7, env={"DOCKER_HOST": docker_engine})
    lines = again.out.decode().splitlines()
    assert lines[:2] == ["then", "input"]
    assert lines[2].endswith("/.xt/work/0/code/project")
    assert "busybox" in lines and "python3" not in lines
    assert repeated.everything() == before
    record = repeated.record()
    assert record["snapshot"]["command"]["argv"] == ["sh", "-c", script]
    assert record["snapshot"]["repeat"]["environment"] == "docker"
    assert record["snapshot"]["environment"]["container"]["image"] == NAME
    assert "recorded inside of the container" in again.err
    assert "which image it was is not recorded" in again.err
    assert left(docker_engine, record["id"]) == ""
    repeated.clean()


def test_variables_and_inputs_outside(repeated, docker_engine, tmp_path):
    data = tmp_path / "elsewhere.txt"
    data.write_text("outside\n")
    script = f"echo $OMP_NUM_THREADS $API_TOKEN $XT_SEED; cat {data}; echo x > {data} || echo kept"
    secret = "correct-horse-battery"
    done = recorded(
        *(repeated, "-i", str(data), "--seed", "3", "--", "sh", "-c", f"{script} 2>/dev/null; true"),
        OMP_NUM_THREADS="2",
        API_TOKEN=secret,
    )
    assert done.out.startswith(f"2 {secret} 3\n".encode()) or b"***" in done.out
    data.write_text("outside\n")
    env = {"DOCKER_HOST": docker_engine, "API_TOKEN": secret}
    again = repeated.rerun("--env", "docker", env=env)
    assert again.out.decode().splitlines() == [f"2 {secret} 3", "outside", "kept"]
    assert data.read_text() == "outside\n"
    assert secret.encode() not in repeated.stored_bytes()


def test_an_image_that_is_not_here(repeated, docker_engine):
    env = {"DOCKER_HOST": docker_engine}
    repeated.run("--", "true", env={"XT_IMAGE": "nowhere.example/image:1"})
    assert "`docker pull nowhere.example/image:1`" in repeated.rerun("--env", "docker", code=3, env=env).err
    repeated.run("--", "true", env={"container": "docker"})
    assert "image is not known" in repeated.rerun("--env", "docker", code=3, env=env).err
    repeated.clean()
    assert repeated.rerun("--env", "docker", "--in-place", code=2, env=env)
