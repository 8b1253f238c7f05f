import Replay

/// The processors and hypervisors that can be named, one row each.
package func profileList(
  _ profiles: [CycleProfile], default defaultName: String, hypervisors: [HypervisorProfile],
  default defaultHypervisor: String
) -> Document {
  func counts(_ parameters: [CycleProfile.Parameter]) -> [Cell] {
    CycleProfile.Evidence.allCases.map { tag in Cell(String(parameters.count { $0.tag == tag })) }
  }
  let tags = CycleProfile.Evidence.allCases.map { Table.Column.figure($0.rawValue) }
  return Document(
    title: "profiles",
    blocks: [
      .table(
        Table(
          caption: "Embedded processors (--profile), with their costs by evidence; * marks the one used when none is "
            + "named",
          columns: [.words("name"), .words("processor"), .words("features")] + tags,
          rows: profiles.map { profile in
            [
              Cell(profile.name + (profile.name == defaultName ? " *" : "")), Cell(profile.processor.title),
              Cell(profile.features.map(\.rawValue).joined(separator: " ")),
            ] + counts(profile.processor.parameters)
          })),
      .table(
        Table(
          caption: "Embedded hypervisors (--hypervisor); some costs have figures of their own for one processor",
          columns: [.words("name"), .words("software")] + tags,
          rows: hypervisors.map { hypervisor in
            [
              Cell(hypervisor.name + (hypervisor.name == defaultHypervisor ? " *" : "")), Cell(hypervisor.title),
            ] + counts(hypervisor.parameters)
          })),
    ])
}
