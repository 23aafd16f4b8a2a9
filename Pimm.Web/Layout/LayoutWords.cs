namespace Pimm.Web.Layout;

/// <summary>
/// Names the resources of this folder: the English text is its own key, LayoutWords.zh-CN.resx has the Chinese one. Each folder of
/// pages has such a class and injects its localizer as L in the folder's _Imports.razor.
/// </summary>
public sealed class LayoutWords;
