namespace Pimm.Web.Runs;

/// <summary>The words of this folder's pages.</summary>
public sealed class RunsWords;
