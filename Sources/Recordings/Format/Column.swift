/// One column of a block. The raw values are the numbers on disk.
public enum RecordingColumn: UInt32, CaseIterable, Sendable {
  /// Runs, 8 bytes each (`Run`).
  case runs = 1
  /// The instruction count of each run's first access: 2 bytes a run, as a difference to the same vCPU's previous run.
  case clocks = 2
  /// Offset in the page and size of each access: 2 bytes (`Place`), offsets as differences (`PlacePrediction`).
  case places = 3
  /// Instructions from one access of a run to the next: 1 byte for each access but the first of a run. Optional.
  case steps = 4
  /// The guest-linear page of each run where it is not the one this guest page had last.
  case linearPages = 5
  /// The address of the storing instruction of each access.
  case instructionPointers = 6
  /// The bytes stored by each access.
  case values = 7
  /// Hypercalls, CR3 loads, guest page mappings, marks, and since version 2 halts and changes of control registers.
  case events = 8
  /// Loads by pages, between the runs of stores (`AccessRun`). Since version 2.
  case loads = 9
  /// Fetches of instructions by pages, likewise. Since version 2.
  case fetches = 10

  /// The name used in messages and options.
  public var name: String {
    switch self {
    case .runs: "runs"
    case .clocks: "clocks"
    case .places: "places"
    case .steps: "steps"
    case .linearPages: "linear-pages"
    case .instructionPointers: "rip"
    case .values: "value"
    case .events: "events"
    case .loads: "loads"
    case .fetches: "fetches"
    }
  }
}

/// A set of columns: what a reader asks for, what a trace holds.
public struct RecordingColumns: OptionSet, Hashable, Sendable {
  /// Bit n stands for the column with raw value n.
  public let rawValue: UInt32

  /// A set from its bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// The set of one column.
  public init(_ column: RecordingColumn) { rawValue = 1 << column.rawValue }

  /// See `RecordingColumn.runs`.
  public static let runs = Self(.runs)
  /// See `RecordingColumn.clocks`.
  public static let clocks = Self(.clocks)
  /// See `RecordingColumn.places`.
  public static let places = Self(.places)
  /// See `RecordingColumn.steps`.
  public static let steps = Self(.steps)
  /// See `RecordingColumn.linearPages`.
  public static let linearPages = Self(.linearPages)
  /// See `RecordingColumn.instructionPointers`.
  public static let instructionPointers = Self(.instructionPointers)
  /// See `RecordingColumn.values`.
  public static let values = Self(.values)
  /// See `RecordingColumn.events`.
  public static let events = Self(.events)
  /// See `RecordingColumn.loads`.
  public static let loads = Self(.loads)
  /// See `RecordingColumn.fetches`.
  public static let fetches = Self(.fetches)

  /// The columns every block has.
  public static let always: Self = [.runs, .clocks, .places, .events]
  /// The columns that a file of version 1 does not have.
  public static let ofVersion2: Self = [.loads, .fetches]
  /// Every column there is.
  public static let all = Self(rawValue: RecordingColumn.allCases.reduce(0) { $0 | 1 << $1.rawValue })

  /// The columns of the set in the order of the file.
  public var columns: [RecordingColumn] { RecordingColumn.allCases.filter { contains(Self($0)) } }
}
