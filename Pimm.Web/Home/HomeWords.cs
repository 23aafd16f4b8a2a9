namespace Pimm.Web.Home;

/// <summary>The words of this folder's pages.</summary>
public sealed class HomeWords;
