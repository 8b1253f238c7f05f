import Addresses
import EPT
import GuestIntegrity
import WriteTrace

extension StrategyReplay {
  /// Translates the accesses of a run that missed the first-level TLB, one by one until one of them fills it.
  func translate(run index: Int, at position: inout BlockPosition) throws {
    let run = position.block.runs[index]
    let vcpu = run.vcpu
    for access in 0..<run.accesses {
      let tag = hypervisor.processors.fast[vcpu].tag
      let caches = hypervisor.processors.caches[vcpu]
      let key = TranslationKey.key(of: run) | tag
      if caches.l1.hit(key) { return }
      if caches.stlb.hit(key) {
        translations.stlbHits += 1
        caches.l1.insert(key)
        return
      }
      let set = TranslationKey.set(of: tag)
      var path = WalkPath()
      let outcome = machines[Int(set)].access(GuestAccess(run.page.address, .dataWrite), &path)
      var isTranslated = false
      if case .translated = outcome { isTranslated = true }
      let cost = caches.walk.cost(
        of: path, page: UInt32(run.page.rawValue), set: set, translated: isTranslated)
      translations.add(cost)
      switch outcome {
      case .translated:
        caches.stlb.insert(key)
        caches.l1.insert(key)
        return
      case .violation(let violation): try refuse(access, ofRun: index, violation, cost, at: &position)
      default:
        throw ReplayError(
          "page 0x\(String(run.page.rawValue, radix: 16)): a store ends in \(outcome), expected a translation or a "
            + "violation; report this with the trace")
      }
    }
  }

  /// Hands a store that the EPT refused to the hypervisor, and keeps what came of it.
  private func refuse(
    _ access: Int, ofRun index: Int, _ violation: EPTViolation, _ cost: WalkCost, at position: inout BlockPosition
  ) throws {
    let block = position.block
    let run = block.runs[index]
    hypervisor.processors.exit(.eptViolation, on: run.vcpu)
    if position.judgedContinuation == index { return }
    let accesses = try position.accesses(ofRun: index)
    let place = accesses[access]
    var size = place.size
    var secondPage: GuestPageNumber?
    // A page-crossing store is judged whole when its first part is refused.
    if access == run.accesses - 1, index + 1 < block.runs.count, block.runs[index + 1].isContinuation {
      size += try position.accesses(ofRun: index + 1)[0].size
      secondPage = block.runs[index + 1].page
      position.judgedContinuation = index + 1
    }
    let store = Store(vcpu: run.vcpu, address: accesses.address(access), size: size, secondPage: secondPage)
    if samples.count < Self.sampleLimit { samples.append(RefusedStore(store: store, violation: violation)) }
    let verdict = hypervisor.handle(store, violation: violation)
    hypervisor.processors.treeNodesVisited(verdict.nodesVisited, on: run.vcpu)
    if verdict.isCompleted { hypervisor.processors.counts[.emulatedStores] += 1 }
    guard verdict.isAlert else { return }
    hypervisor.processors.counts[.alerts] += 1
    while hypervisor.alerts(of: run.vcpu).next() != nil {}
    let kind: PageKind =
      switch verdict.finding {
      case .alert(let kind, _, _): kind
      case .corrupt, .notMine, .ownWrite, .integrityFault: .tree
      }
    let number = position.firstWrite(ofRun: index) + UInt64(access) - (run.isContinuation ? 1 : 0)
    tally.add(
      NotificationShape(
        delivery: .exit, completion: verdict.isCompleted ? .emulated : .blocked, walkReferences: cost.references,
        treeNodes: UInt8(clamping: verdict.nodesVisited)),
      kind: kind, storeNumber: number,
      touchesRegion: regions.touches(store.address.rawValue, size: UInt64(size)))
  }
}

/// A store that the EPT refused, with what the processor says of it.
struct RefusedStore {
  var store: Store
  var violation: EPTViolation
}
