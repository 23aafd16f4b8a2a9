namespace Pimm.Core.Auditing;

/// <summary>One row of audit_event.</summary>
/// <param name="Id">1, 2, 3 … in the order of the commits</param>
/// <param name="Before">JSON, as the database prints it</param>
/// <param name="PrevHash">32 bytes: the row before's</param>
/// <param name="RowHash">32 bytes, see <see cref="AuditChain"/></param>
public sealed record AuditEvent(
    long Id, DateTimeOffset At, string Actor, string Action, string ObjectKind, string ObjectId, string? Before, string? After, string? Origin,
    byte[] PrevHash, byte[] RowHash);

/// <summary>Which rows are wanted; null: any.</summary>
/// <param name="From">its first moment</param>
/// <param name="To">the moment behind its last</param>
/// <param name="Action">"campaign.create", or "campaign" for all of them</param>
/// <param name="Object">"campaign", or "campaign:7"</param>
/// <param name="AfterId">only rows behind this one</param>
/// <param name="BeforeId">only rows before this one</param>
public sealed record AuditFilter(
    DateTimeOffset? From = null, DateTimeOffset? To = null, string? Actor = null, string? Action = null, string? Object = null, long AfterId = 0, long? BeforeId = null);
