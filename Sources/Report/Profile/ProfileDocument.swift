import Replay

extension CycleProfile {
  /// The profile with every cost, its bracket, tag and source.
  package var document: Document {
    let description = ProfileDescription(name: name, parameters: parameters)
    return Document(
      title: "profile \(name) under \(hypervisor.name): \(processor.title)",
      blocks: [
        .facts([
          Document.Fact("hypervisor", "\(hypervisor.name): \(hypervisor.title)"),
          Document.Fact("nominal clock", Self.words(processor.frequencyMHz, "MHz")),
          Document.Fact("L1 store TLB", Self.words(geometry.l1StoreTLB)),
          Document.Fact("L1 load TLB", geometry.l1LoadTLB.map(Self.words) ?? "of the same size"),
          Document.Fact("L1 instruction TLB", geometry.l1InstructionTLB.map(Self.words) ?? "of the same size"),
          Document.Fact("second-level TLB", Self.words(geometry.stlb)),
          Document.Fact(
            "paging-structure caches",
            "\(geometry.pdeCache) PDEs, \(geometry.pdpteCache) PDPTEs, \(geometry.pml4eCache) PML4Es"),
          Document.Fact(
            "lines of EPT entries",
            "\(geometry.walkLines.l1) in L1, \(geometry.walkLines.l2) in L2, \(geometry.walkLines.l3) in L3"),
          Document.Fact("features", features.isEmpty ? "none" : features.map(\.rawValue).joined(separator: ", ")),
          Document.Fact("lines of an exit's handler", Self.words(hypervisor.handlerLines, "lines")),
          Document.Fact("lock of the page tables", Self.words(hypervisor.mmuLockHold, "ns")),
          Document.Fact("consumers", hypervisor.consumers.map(Self.words).joined(separator: "; ")),
        ]),
        .table(description.parameterTable),
      ])
  }

  private static func words(_ quantity: Quantity, _ unit: String) -> String {
    "\(Figure.number(quantity.value)) \(unit) (\(Figure.range(quantity.bracket))), \(quantity.tag.rawValue): "
      + quantity.source
  }

  private static func words(_ consumer: HypervisorProfile.Consumer) -> String {
    let (half, most) = (Figure.number(consumer.p50Nanoseconds), Figure.number(consumer.p99Nanoseconds))
    return "\(consumer.name) \(half) ns" + (half == most ? "" : ", p99 \(most) ns") + ", \(consumer.tag.rawValue)"
  }

  private static func words(_ cache: CacheGeometry.SetAssociative) -> String {
    "\(cache.entries) entries, " + (cache.ways == cache.entries ? "fully associative" : "\(cache.ways)-way")
  }
}
