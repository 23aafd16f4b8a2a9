namespace Pimm.Web.Audit;

/// <summary>The words of the audit log.</summary>
public sealed class AuditWords;
