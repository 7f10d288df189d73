// The plugin's own page, without a look: it says what there is and what happens.
const api = parent.pluginApi("first-steps");
const page = (name, about) => `plugin/first-steps/${name}.html?${new URLSearchParams(about)}`;

api.register({
  UiInit() {
    const { greeting } = api.configObject();
    api.addMainTab("First steps", "first-steps", page("show", { text: `${greeting}, ${api.loginUserName()}.` }));
    api.addSubTab("VirtualMachine", "Notes", "first-notes", page("show", { text: "Select a VM." }));
    api.addMainTabActionButton("VirtualMachine", "Say hello", {
      isEnabled: (...vms) => vms.length > 0,
      onClick(...vms) {
        const text = `${greeting}, ${vms.map((vm) => vm.name).join(" and ")}.`;
        api.showDialog("Say hello", "first-hello", page("show", { text }), "420px", "220px", {
          buttons: [{ label: "Enough", onClick: () => api.closeDialog("first-hello") }],
        });
      },
    });
  },
  VirtualMachineSelectionChange(...vms) {
    if (vms.length === 1) api.setTabContentUrl("first-notes", page("show", { text: `${vms[0].name} is ${vms[0].status}.` }));
  },
});
api.ready();
