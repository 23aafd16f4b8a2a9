namespace Pimm.Web.Audiences;

public sealed class AudiencesWords;
