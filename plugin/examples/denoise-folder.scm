; SPDX-License-Identifier: GPL-3.0-or-later
; Denoises all photos of a folder from the command line:
;
;   gimp-console -id --batch-interpreter=plug-in-script-fu-eval \
;     -b '(begin (script-fu-use-v3)
;                (load "denoise-folder.scm")
;                (diffusion-denoise-folder "photos/*.jpg" "clean"))' --quit
;
; The folder "clean" has to exist; each photo is written there as PNG. An error is said on standard error and ends GIMP
; with a status other than 0.

(define (diffusion-denoise-file from to)
  (let ((image (gimp-file-load RUN-NONINTERACTIVE from)))
    (plug-in-diffusion-denoise #:run-mode RUN-NONINTERACTIVE
                               #:image image
                               #:drawables (gimp-image-get-layers image))
    (gimp-file-save RUN-NONINTERACTIVE image to)
    (gimp-image-delete image)))

; "photos/night.jpg" becomes "night".
(define (diffusion-file-stem path)
  (let* ((name (car (last-pair (strbreakup path "/"))))
         (parts (strbreakup name ".")))
    (if (null? (cdr parts)) name (unbreakupstr (butlast parts) "."))))

(define (diffusion-denoise-folder pattern folder)
  (if (null? (file-glob pattern TRUE))
      (error (string-append pattern ": no such files")))
  (let loop ((files (file-glob pattern TRUE)))
    (if (pair? files)
        (begin
          (diffusion-denoise-file (car files)
                                  (string-append folder "/" (diffusion-file-stem (car files)) ".png"))
          (loop (cdr files))))))
