namespace Pimm.Web.Approvals;

/// <summary>Texts of the pages on approvals.</summary>
public sealed class ApprovalsWords;
