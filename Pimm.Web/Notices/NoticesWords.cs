namespace Pimm.Web.Notices;

/// <summary>The words of this folder's pages.</summary>
public sealed class NoticesWords;
