namespace Pimm.Web.Importing;

/// <summary>Names the resources of this folder: the English text is its own key.</summary>
public sealed class ImportingWords;
