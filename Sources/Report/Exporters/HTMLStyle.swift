/// The style sheet of HTML reports: text at 7:1 contrast or more in both schemes, tones never by colour alone.
enum HTMLStyle {
  static let sheet = """
    :root { --ink: #1b1f24; --paper: #ffffff; --faint: #57606a; --line: #d0d7de; --bar: #9cc3ee; --bar-edge: #1f5fa8;
      --good: #10562b; --bad: #98111b; --doubtful: #6b4700; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6edf3; --paper: #0d1117; --faint: #a9b4c0; --line: #3a424c; --bar: #23507f; --bar-edge: #86bdf5;
        --good: #6fdd8b; --bad: #ff9a94; --doubtful: #efc368; }
    }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 76rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
    p, li, dd { max-width: 48rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; }
    dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .92rem; margin: 1rem 0; }
    caption { text-align: left; color: var(--faint); padding-bottom: .4rem; max-width: 48rem; }
    th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    tbody th { font-weight: 600; white-space: nowrap; }
    .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .doubtful { color: var(--doubtful); }
    figure { margin: 1rem 0; } figcaption { color: var(--faint); max-width: 48rem; }
    svg { width: 100%; height: auto; max-width: 52rem; }
    svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
    svg .axis { fill: var(--faint); } svg .grid { stroke: var(--line); }
    svg rect { fill: var(--bar); stroke: var(--bar-edge); } svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
    svg .series0 * { fill: #1f5fa8; fill-opacity: .8; stroke: none; }
    svg .series1 * { fill: #b3450b; fill-opacity: .8; stroke: none; }
    svg .series2 * { fill: #1a7431; fill-opacity: .8; stroke: none; }
    svg .series3 * { fill: #8b2fb0; fill-opacity: .8; stroke: none; }
    svg .series4 * { fill: #946200; fill-opacity: .8; stroke: none; }
    svg .series5 * { fill: #0b7285; fill-opacity: .8; stroke: none; }
    svg .series6 * { fill: #b3123f; fill-opacity: .8; stroke: none; }
    svg .series7 * { fill: #555e68; fill-opacity: .8; stroke: none; }
    @media (prefers-color-scheme: dark) {
      svg .series0 * { fill: #86bdf5; }
      svg .series1 * { fill: #ffab7a; }
      svg .series2 * { fill: #6fdd8b; }
      svg .series3 * { fill: #dba2f5; }
      svg .series4 * { fill: #efc368; }
      svg .series5 * { fill: #6cd9ec; }
      svg .series6 * { fill: #ff9cb4; }
      svg .series7 * { fill: #b8c2cc; }
    }
    @media print { main { max-width: none; padding: 0; } .wide { overflow: visible; } }
    """
}
