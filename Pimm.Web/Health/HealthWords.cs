namespace Pimm.Web.Health;

/// <summary>The words of this folder's pages.</summary>
public sealed class HealthWords;
