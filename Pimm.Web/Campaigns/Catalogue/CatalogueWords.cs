namespace Pimm.Web.Campaigns.Catalogue;

/// <summary>The words of the list of campaigns.</summary>
public sealed class CatalogueWords;
