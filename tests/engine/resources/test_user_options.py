"""Options of users and what users may do, over HTTP: one's own, others', bad ones."""

from tests.engine.resources.lab import add_vm, named_role
from tests.engine.resources.people import own_id as _me, person as _user
from tests.installation import Installation


def test_users_keep_options_of_their_own_and_nobody_else_reads_them(lab: Installation) -> None:
    with lab.client() as admin, _user(lab, "una") as una, _user(lab, "otto") as otto:
        mine = f"/users/{_me(una)}/options"
        made = una.post(mine, json={"name": "columns", "content": '{"vms": ["name"]}'})
        assert made.status_code == 201, made.text
        one = f"{mine}/{made.json()['id']}"
        assert una.put(one, json={"content": "[1]"}).json()["content"] == "[1]"
        assert una.post(mine, json={"name": "columns", "content": "1"}).status_code == 409
        broken = una.post(mine, json={"name": "x", "content": "{not json"})
        assert broken.status_code == 400 and "no JSON" in broken.json()["detail"]
        assert una.put(one, json={"name": "other"}).status_code == 400
        assert otto.get(mine).json() == {} and otto.get(one).status_code == 404
        assert otto.put(one, json={"content": "2"}).status_code == 404
        assert otto.post(mine, json={"name": "y", "content": "1"}).status_code == 403
        assert [o["name"] for o in admin.get(mine).json()["user_option"]] == ["columns"]
        whole = {"user_options": {"property": [{"name": "a", "value": "1"}, {"name": "columns", "value": "2"}]}}
        assert una.put(f"/users/{_me(una)}", json=whole).status_code == 200
        assert {o["name"]: o["content"] for o in una.get(mine).json()["user_option"]} == {"a": "1", "columns": "2"}
        assert una.put(f"/users/{_me(una)}", json={"user_options": {"property": []}}).status_code == 200
        assert una.get(mine).json() == {}
        renamed = una.put(f"/users/{_me(una)}", json={"last_name": "other"})
        assert renamed.status_code == 409 and "directory" in renamed.json()["detail"]


def test_permits_are_told_for_a_set_and_only_for_what_is_seen(lab: Installation) -> None:
    with lab.client() as admin, _user(lab, "pia") as pia:
        mine, hers = add_vm(admin, "mine-only", disk=False), add_vm(admin, "pias", disk=False)
        role = named_role(admin, "UserVmManager")
        body = {"role": {"id": role}, "user": {"id": _me(pia)}}
        assert admin.post(f"/vms/{hers}/permissions", json=body).status_code == 201
        ids = f"/ovis/permits?type=vms&ids={mine},{hers},{'0' * 8}"
        answer = pia.get(ids).json()
        assert answer["administrator"] is False and "run_vm" not in answer["system"]
        assert set(answer["objects"]) == {hers} and {"run_vm", "delete_vm"} <= set(answer["objects"][hers])
        everything = admin.get(ids).json()
        assert "run_vm" in everything["system"] and everything["objects"] == {mine: [], hers: []}
        assert admin.get("/ovis/permits").json()["objects"] == {}
        assert admin.get("/ovis/permits?type=bookmarks&ids=x").status_code == 400
        assert admin.get(f"/ovis/permits?type=vms&ids={','.join(map(str, range(501)))}").status_code == 400
        for vm in (mine, hers):
            assert admin.delete(f"/vms/{vm}").status_code == 200
