namespace Pimm.Web.Models;

public sealed class ModelsWords;
