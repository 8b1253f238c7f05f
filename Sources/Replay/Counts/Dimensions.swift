/// How many dimensions of a translation a replay walks.
public enum Dimensions: Int, CaseIterable, Sendable {
  /// Guest-physical pages through the EPT: what every strategy changes.
  case one = 1
  /// Linear pages through the guest's own tables, each entry of them through the EPT: what a processor does.
  case two = 2
}
