namespace Pimm.Core.Auditing;

/// <summary>Settings section <c>Auditing</c>.</summary>
public sealed class AuditingOptions
{
    /// <summary>
    /// File that the end of the audit log is appended to every night, outside the database: keep it where the database's administrators
    /// cannot write. Default ".pimm/audit-head.ndjson" below the working folder; empty: none is kept.
    /// </summary>
    public string HeadFile { get; set; } = ".pimm/audit-head.ndjson";
}
