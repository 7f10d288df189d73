"""VDSM's verbs: names, parameters in order, whether they are mandatory, and which of them this agent serves.

Does: let the server bind positional and named parameters, and documentation list what answers 44.
Follows: VDSM's schema (names and order are facts of the wire).
"""

from typing import NamedTuple


class Verb(NamedTuple):
    """One verb. params: (name, mandatory) in schema order. served: a driver implements it."""

    name: str
    params: tuple[tuple[str, bool], ...]
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
+ Host.setupNetworks networks bondings options
+ Host.fenceNode addr port agent username password action secure? options? policy?
+ Host.getAllTasksInfo
+ Host.getAllTasksStatuses
- Host.setMOMPolicy policy
+ Host.setMOMPolicyParameters key_value_store
- Host.setKsmTune tuningParams
- Host.setHaMaintenanceMode mode enabled
- Host.add_image_ticket ticket
- Host.get_image_ticket uuid
- Host.remove_image_ticket uuid
- Host.extend_image_ticket uuid timeout
- Host.getAllTasks
+ Host.getCapabilities
- Host.getNetworkCapabilities
- Host.getNetworkStatistics
- Host.echo message
+ Host.getHardwareInfo
- Host.getConnectedStoragePools
+ Host.getDeviceList storageType? guids? checkStatus? refresh?
- Host.getDevicesVisibility guidList
- Host.getLldp filter
- Host.getLVMVolumeGroups storageType?
+ Host.getStats
+ Host.getStorageDomains storagepoolID? domainClass? storageType? remotePath?
+ Host.getStorageRepoStats domains?
- Host.startMonitoringDomain sdUUID hostID
- Host.stopMonitoringDomain sdUUID
+ Host.getVMList fullStatus? vmList? onlyUUID?
+ Host.dumpxmls vmList?
- Host.getExternalVMs uri username password vm_names?
- Host.getExternalVMNames uri username password
- Host.getExternalVmFromOva ova_path
- Host.convertExternalVmFromOva ova_path vminfo jobid
- Host.convertExternalVm uri username password vminfo jobid
- Host.getConvertedVm jobid
+ Host.getJobs job_type? job_ids?
- Host.abortV2VJob jobid
- Host.deleteV2VJob jobid
- Host.registerSecrets secrets clear?
- Host.unregisterSecrets uuids
+ Host.getVMFullList vmList?
+ Host.getAllVmStats
- Host.getAllVmIoTunePolicies
+ Host.hostdevListByCaps caps?
- Host.hostdevChangeNumvfs deviceName numvfs
- Host.hostdevReattach deviceName
+ Host.ping
+ Host.ping2
+ Host.confirmConnectivity
- Host.setLogLevel level name?
+ Host.setSafeNetworkConfig
- ManagedVolume.attach_volume vol_id connection_info sd_id?
- ManagedVolume.detach_volume vol_id sd_id?
- ManagedVolume.volumes_info vol_ids?
- ISCSIConnection.discoverSendTargets host port user? password? ipv6_enabled?
+ Image.delete imageID storagepoolID storagedomainID postZero force discard?
+ Image.deleteVolumes imageID storagepoolID storagedomainID volumeList postZero? force? discard?
+ Image.getVolumes imageID storagepoolID storagedomainID
- Image.move imageID storagepoolID storagedomainID dstSdUUID operation postZero force discard?
- Image.cloneStructure imageID storagepoolID storagedomainID dstSdUUID
- Image.syncData imageID storagepoolID storagedomainID dstSdUUID syncType
- Image.download methodArgs storagepoolID storagedomainID imageID volumeID?
- Image.upload methodArgs storagepoolID storagedomainID imageID volumeID?
+ Image.prepare storagepoolID storagedomainID imageID volumeID allowIllegal?
+ Image.teardown storagepoolID storagedomainID imageID volumeID?
+ Image.reconcileVolumeChain storagepoolID storagedomainID imageID leafVolID
- Lease.create lease metadata?
- Lease.delete lease
- Lease.rebuild_leases sd_id
- Lease.info lease
- Lease.status lease
- Lease.fence lease metadata
- LVMVolumeGroup.create lvmvolumegroupID? name devlist force?
- LVMVolumeGroup.getInfo lvmvolumegroupID
- LVMVolumeGroup.remove lvmvolumegroupID
+ StorageDomain.activate storagedomainID storagepoolID
+ StorageDomain.attach storagedomainID storagepoolID
+ StorageDomain.create storagedomainID domainType typeArgs name domainClass version? blockSize? maxHosts?
+ StorageDomain.deactivate storagedomainID storagepoolID masterSdUUID masterVersion
+ StorageDomain.detach storagedomainID storagepoolID masterSdUUID? masterVersion? force?
- StorageDomain.extend storagedomainID storagepoolID devlist force?
- StorageDomain.resizePV storagedomainID storagepoolID guid
+ StorageDomain.format storagedomainID autoDetach
- StorageDomain.getFileStats storagedomainID pattern caseSensitive
+ StorageDomain.getImages storagedomainID
+ StorageDomain.getInfo storagedomainID
+ StorageDomain.getStats storagedomainID
+ StorageDomain.getVolumes storagedomainID storagepoolID imageID
+ StorageDomain.setDescription storagedomainID description
+ StorageDomain.validate storagedomainID
- StorageDomain.dump sd_id full?
+ StoragePool.connect storagepoolID hostID scsiKey masterSdUUID masterVersion domainDict?
+ StoragePool.connectStorageServer storagepoolID domainType connectionParams
+ StoragePool.create storagepoolID name masterSdUUID masterVersion domainList lockRenewalIntervalSec leaseTimeSec ioOpTimeoutSec leaseRetries
+ StoragePool.destroy storagepoolID hostID scsiKey
+ StoragePool.disconnect storagepoolID hostID scsiKey remove?
+ StoragePool.disconnectStorageServer storagepoolID domainType connectionParams
- StoragePool.getBackedUpVmsInfo storagepoolID storagedomainID vmList
- StoragePool.getBackedUpVmsList storagepoolID storagedomainID
- StoragePool.getDomainsContainingImage storagepoolID imageID
+ StoragePool.getSpmStatus storagepoolID
+ StoragePool.getInfo storagepoolID
+ StoragePool.reconstructMaster storagepoolID hostId name masterSdUUID masterVersion domainDict lockRenewalIntervalSec leaseTimeSec ioOpTimeoutSec leaseRetries
+ StoragePool.refresh storagepoolID masterSdUUID masterVersion
+ StoragePool.setDescription storagepoolID description
+ StoragePool.spmStart storagepoolID prevID prevLver enableScsiFencing maxHostID? domVersion?
+ StoragePool.spmStop storagepoolID
- StoragePool.upgrade storagepoolID targetDomVersion
- StoragePool.updateVMs storagepoolID vmList storagedomainID?
- StoragePool.removeVM storagepoolID vmUUID storagedomainID?
+ StoragePool.prepareMerge storagepoolID subchainInfo
+ StoragePool.finalizeMerge storagepoolID subchainInfo
- StoragePool.reduceVolume storagepoolID storagedomainID imageID volumeID allowActive?
+ StoragePool.switchMaster storagepoolID oldMasterUUID newMasterUUID masterVersion
+ Task.clear taskID
+ Task.getInfo taskID
+ Task.getStatus taskID
- Task.revert taskID
+ Task.stop taskID
+ VM.changeCD vmID driveSpec
- VM.changeFloppy vmID driveSpec
+ VM.cont vmID
+ VM.create vmID vmParams
- VM.desktopLock vmID
- VM.desktopLogin vmID domain username password
- VM.desktopLogoff vmID force
- VM.desktopSendHcCommand vmID message
+ VM.destroy vmID gracefulAttempts?
- VM.getExternalData vmID kind lastHash? forceUpdate?
+ VM.getInfo vmID
+ VM.getMigrationStatus vmID
+ VM.getStats vmID
+ VM.hibernate vmID hibernationVolHandle
+ VM.updateDevice vmID params
- VM.hotplugHostdev vmID devices
- VM.hotunplugHostdev vmID devices
+ VM.hotplugNic vmID params
+ VM.hotunplugNic vmID params
+ VM.hotplugDisk vmID params
+ VM.hotunplugDisk vmID params
- VM.hotplugLease vmID lease
- VM.hotunplugLease vmID lease
+ VM.migrate vmID params
+ VM.migrateCancel vmID
+ VM.migrateChangeParams vmID params
+ VM.migrationCreate vmID params incomingLimit?
+ VM.pause vmID
+ VM.reset vmID
+ VM.setTicket vmID password ttl existingConnAction params
+ VM.shutdown vmID delay? message? reboot? timeout? force?
+ VM.setDestroyOnReboot vmID
- VM.freeze vmID
- VM.thaw vmID
+ VM.snapshot vmID snapDrives snapMemory? frozen? jobUUID? timeout? freeze_timeout?
+ VM.setBalloonTarget vmID target
- VM.diskReplicateStart vmID srcDisk dstDisk needExtend?
- VM.diskReplicateFinish vmID srcDisk dstDisk
- VM.getDiskAlignment vmID disk
+ VM.diskSizeExtend vmID driveSpecs newSize
+ VM.merge vmID drive baseVolUUID topVolUUID bandwidth? jobUUID?
- VM.seal vmID job_id sp_id images
+ Volume.copy volumeID storagepoolID storagedomainID imageID dstSdUUID dstImgUUID dstVolUUID desc volType volFormat preallocate postZero force discard?
+ Volume.create volumeID storagepoolID storagedomainID imageID size volFormat preallocate diskType desc srcImgUUID srcVolUUID initialSize? addBitmaps? legal? sequence? bitmap?
+ Volume.delete volumeID storagepoolID storagedomainID imageID postZero force discard?
- Volume.verify_untrusted storagepoolID storagedomainID imageID volumeID
+ Volume.extendSize storagepoolID storagedomainID imageID volumeID newSize
+ Volume.getInfo volumeID storagepoolID storagedomainID imageID
+ Volume.measure volumeID storagepoolID storagedomainID imageID dstVolFormat backing_chain? baseID?
+ Volume.getQemuImageInfo volumeID storagepoolID storagedomainID imageID
+ Volume.getSize volumeID storagepoolID storagedomainID imageID
+ Volume.refresh volumeID storagepoolID storagedomainID imageID
+ Volume.setDescription volumeID storagepoolID storagedomainID imageID description
+ Volume.setLegality volumeID storagepoolID storagedomainID imageID legality
- Volume.teardown storagedomainID imageID volumeID
- VM.hotplugMemory vmID params
- VM.hotunplugMemory vmID params
+ VM.setNumberOfCpus vmID numberOfCpus cpusets?
- VM.setIoTune vmID tunables
- VM.getIoTune vmID
- VM.getIoTunePolicy vmID
- VM.setCpuTuneQuota vmID quota
- VM.setCpuTunePeriod vmID period
- VM.updateVmPolicy vmID params
+ SDM.copy_data job_id source destination copy_bitmaps?
- SDM.sparsify_volume job_id vol_info
+ SDM.merge job_id subchain_info merge_bitmaps?
- SDM.amend_volume job_id vol_info qcow2_attr
- SDM.move_domain_device job_id move_params
- SDM.reduce_domain job_id reduce_params
+ SDM.update_volume job_id vol_info vol_attr
- SDM.add_bitmap job_id vol_info bitmap
- SDM.remove_bitmap job_id vol_info bitmap
- SDM.clear_bitmaps job_id vol_info
- NBD.start_server server_id config
- NBD.stop_server server_id
- VM.start_backup vmID config
- VM.stop_backup vmID backup_id
- VM.backup_info vmID backup_id checkpoint_id?
- VM.delete_checkpoints vmID checkpoint_ids
- VM.redefine_checkpoints vmID checkpoints
- VM.list_checkpoints vmID
- VM.dump_checkpoint vmID checkpoint_id
- VM.refresh_disk vmID drive
+ VM.screenshot vmID
"""


def _read() -> dict[str, Verb]:
    found = {}
    for line in _TABLE.splitlines():
        mark, name, *params = line.split()
        rows = tuple((p.rstrip("?"), not p.endswith("?")) for p in params)
        found[name] = Verb(name, rows, mark == "+")
    return found


VERBS = _read()
