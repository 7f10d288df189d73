"""The verbs by name: parameters in order, results, and which of them this agent serves.

Does: read the signatures of `calls`, let the server bind and check arguments, and documentation list what answers 44.
"""

import inspect
from typing import Any, NamedTuple

from ovis.contract import calls
from ovis.contract.checks import takes_none


class Parameter(NamedTuple):
    """One parameter. type: as declared in calls. default: when it is left out."""

    name: str
    type: Any
    mandatory: bool
    default: Any


class Verb(NamedTuple):
    """One verb. params: in the order of the wire. result: None if it only answers true. served: a driver has it."""

    name: str
    params: tuple[Parameter, ...]
    result: Any
    served: bool

    @property
    def method(self) -> str:
        """The driver's method: `VM.create` is `vm_create`."""
        area, _, verb = self.name.partition(".")
        return _snake(area) + "_" + _snake(verb)


def _snake(text: str) -> str:
    out = ""
    for i, char in enumerate(text):
        if char.isupper() and i and (not text[i - 1].isupper() or text[i + 1 : i + 2].islower()):
            out += "_"
        out += char.lower()
    return out


_TABLE = """\
+ Host.setupNetworks
+ Host.fenceNode
+ Host.getAllTasksInfo
+ Host.getAllTasksStatuses
+ Host.setMOMPolicy
+ Host.setMOMPolicyParameters
+ Host.setKsmTune
- Host.setHaMaintenanceMode
+ Host.add_image_ticket
+ Host.get_image_ticket
+ Host.remove_image_ticket
+ Host.extend_image_ticket
+ Host.getAllTasks
+ Host.getCapabilities
+ Host.getNetworkCapabilities
+ Host.getNetworkStatistics
+ Host.echo
+ Host.getHardwareInfo
+ Host.getConnectedStoragePools
+ Host.getDeviceList
+ Host.getDevicesVisibility
+ Host.getLldp
- Host.getLVMVolumeGroups
+ Host.getStats
+ Host.getStorageDomains
+ Host.getStorageRepoStats
+ Host.startMonitoringDomain
+ Host.stopMonitoringDomain
+ Host.getVMList
+ Host.dumpxmls
- Host.getExternalVMs
- Host.getExternalVMNames
- Host.getExternalVmFromOva
- Host.convertExternalVmFromOva
- Host.convertExternalVm
- Host.getConvertedVm
+ Host.getJobs
- Host.abortV2VJob
- Host.deleteV2VJob
+ Host.registerSecrets
+ Host.unregisterSecrets
+ Host.getVMFullList
+ Host.getAllVmStats
+ Host.getAllVmIoTunePolicies
+ Host.hostdevListByCaps
+ Host.hostdevChangeNumvfs
+ Host.hostdevReattach
+ Host.ping
+ Host.ping2
+ Host.confirmConnectivity
+ Host.setLogLevel
+ Host.setSafeNetworkConfig
- ManagedVolume.attach_volume
- ManagedVolume.detach_volume
- ManagedVolume.volumes_info
- ISCSIConnection.discoverSendTargets
+ Image.delete
+ Image.deleteVolumes
+ Image.getVolumes
- Image.move
- Image.cloneStructure
- Image.syncData
- Image.download
- Image.upload
+ Image.prepare
+ Image.teardown
+ Image.reconcileVolumeChain
- Lease.create
- Lease.delete
- Lease.rebuild_leases
- Lease.info
- Lease.status
- Lease.fence
- LVMVolumeGroup.create
- LVMVolumeGroup.getInfo
- LVMVolumeGroup.remove
+ StorageDomain.activate
+ StorageDomain.attach
+ StorageDomain.create
+ StorageDomain.deactivate
+ StorageDomain.detach
- StorageDomain.extend
- StorageDomain.resizePV
+ StorageDomain.format
+ StorageDomain.getFileStats
+ StorageDomain.getImages
+ StorageDomain.getInfo
+ StorageDomain.getStats
+ StorageDomain.getVolumes
+ StorageDomain.setDescription
+ StorageDomain.validate
+ StorageDomain.dump
+ StoragePool.connect
+ StoragePool.connectStorageServer
+ StoragePool.create
+ StoragePool.destroy
+ StoragePool.disconnect
+ StoragePool.disconnectStorageServer
- StoragePool.getBackedUpVmsInfo
- StoragePool.getBackedUpVmsList
+ StoragePool.getDomainsContainingImage
+ StoragePool.getSpmStatus
+ StoragePool.getInfo
+ StoragePool.reconstructMaster
+ StoragePool.refresh
+ StoragePool.setDescription
+ StoragePool.spmStart
+ StoragePool.spmStop
- StoragePool.upgrade
- StoragePool.updateVMs
- StoragePool.removeVM
+ StoragePool.prepareMerge
+ StoragePool.finalizeMerge
- StoragePool.reduceVolume
+ StoragePool.switchMaster
+ Task.clear
+ Task.getInfo
+ Task.getStatus
- Task.revert
+ Task.stop
+ VM.changeCD
+ VM.changeFloppy
+ VM.cont
+ VM.create
+ VM.desktopLock
+ VM.desktopLogin
+ VM.desktopLogoff
+ VM.desktopSendHcCommand
+ VM.destroy
+ VM.getExternalData
+ VM.getInfo
+ VM.getMigrationStatus
+ VM.getStats
+ VM.hibernate
+ VM.updateDevice
- VM.hotplugHostdev
- VM.hotunplugHostdev
+ VM.hotplugNic
+ VM.hotunplugNic
+ VM.hotplugDisk
+ VM.hotunplugDisk
- VM.hotplugLease
- VM.hotunplugLease
+ VM.migrate
+ VM.migrateCancel
+ VM.migrateChangeParams
+ VM.migrationCreate
+ VM.pause
+ VM.reset
+ VM.setTicket
+ VM.shutdown
+ VM.setDestroyOnReboot
+ VM.freeze
+ VM.thaw
+ VM.snapshot
+ VM.setBalloonTarget
+ VM.diskReplicateStart
+ VM.diskReplicateFinish
+ VM.getDiskAlignment
+ VM.diskSizeExtend
+ VM.merge
+ VM.seal
+ Volume.copy
+ Volume.create
+ Volume.delete
- Volume.verify_untrusted
+ Volume.extendSize
+ Volume.getInfo
+ Volume.measure
+ Volume.getQemuImageInfo
+ Volume.getSize
+ Volume.refresh
+ Volume.setDescription
+ Volume.setLegality
- Volume.teardown
+ VM.hotplugMemory
+ VM.hotunplugMemory
+ VM.setNumberOfCpus
+ VM.setIoTune
+ VM.getIoTune
+ VM.getIoTunePolicy
+ VM.setCpuTuneQuota
+ VM.setCpuTunePeriod
+ VM.updateVmPolicy
+ SDM.copy_data
+ SDM.sparsify_volume
+ SDM.merge
- SDM.amend_volume
- SDM.move_domain_device
- SDM.reduce_domain
+ SDM.update_volume
- SDM.add_bitmap
- SDM.remove_bitmap
- SDM.clear_bitmaps
+ NBD.start_server
+ NBD.stop_server
- VM.start_backup
- VM.stop_backup
- VM.backup_info
- VM.delete_checkpoints
- VM.redefine_checkpoints
- VM.list_checkpoints
- VM.dump_checkpoint
+ VM.refresh_disk
+ VM.screenshot
"""


def _declared(name: str) -> tuple[tuple[Parameter, ...], Any]:
    area, _, verb = name.partition(".")
    signature = inspect.signature(getattr(getattr(calls, area), verb))
    empty = inspect.Parameter.empty
    params = tuple(
        Parameter(
            p.name,
            p.annotation,
            p.default is empty and not takes_none(p.annotation),
            None if p.default is empty else p.default,
        )
        for p in signature.parameters.values()
        if p.name != "self"
    )
    return params, signature.return_annotation


def _read() -> dict[str, Verb]:
    found = {}
    for line in _TABLE.splitlines():
        mark, name = line.split()
        found[name] = Verb(name, *_declared(name), mark == "+")
    return found


VERBS = _read()
