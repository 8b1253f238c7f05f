import Replay

extension CycleProfile {
  /// The profile with every cost, its bracket, tag and source.
  package var document: Document {
    let description = ProfileDescription(name: name, parameters: parameters)
    return Document(
      title: "profile \(name): \(processor)",
      blocks: [
        .facts([
          Document.Fact("L1 store TLB", Self.words(geometry.l1StoreTLB)),
          Document.Fact("second-level TLB", Self.words(geometry.stlb)),
          Document.Fact(
            "paging-structure caches",
            "\(geometry.pdeCache) PDEs, \(geometry.pdpteCache) PDPTEs, \(geometry.pml4eCache) PML4Es"),
          Document.Fact(
            "lines of EPT entries",
            "\(geometry.walkLines.l1) in L1, \(geometry.walkLines.l2) in L2, \(geometry.walkLines.l3) in L3"),
          Document.Fact("features", features.isEmpty ? "none" : features.map(\.rawValue).joined(separator: ", ")),
        ]),
        .table(description.parameterTable),
      ])
  }

  private static func words(_ cache: CacheGeometry.SetAssociative) -> String {
    "\(cache.entries) entries, " + (cache.ways == cache.entries ? "fully associative" : "\(cache.ways)-way")
  }
}

/// The profiles that can be named, one row each.
package func profileList(_ profiles: [CycleProfile], default defaultName: String) -> Document {
  Document(
    title: "profiles",
    blocks: [
      .table(
        Table(
          caption: "Embedded profiles; `*` marks the one used when none is named",
          columns: [
            .words("name"), .words("processor"), .words("features"),
          ] + CycleProfile.Evidence.allCases.map { .figure($0.rawValue) },
          rows: profiles.map { profile in
            func count(_ tag: CycleProfile.Evidence) -> Cell {
              Cell(String(profile.parameters.count { $0.tag == tag }))
            }
            return [
              Cell(profile.name + (profile.name == defaultName ? " *" : "")), Cell(profile.processor),
              Cell(profile.features.map(\.rawValue).joined(separator: " ")),
            ] + CycleProfile.Evidence.allCases.map(count)
          }))
    ])
}
